// Package scrub takes out of URLs and texts what could tell who somebody is: queries, users,
// fragments, and whatever looks like an id, an address, a token, a card number or a secret.
//
// Most readers need [URL] and [Text]; [Target] is the origin that requests are counted by. Scrubbing
// happens on the client, before anything is kept, and scrubbing again changes nothing.
package scrub
