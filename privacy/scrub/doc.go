// Package scrub removes from URLs and texts what could identify a person or give access to
// something: queries, user names, fragments, and anything that looks like an id, an address, a
// token, a card number or a secret.
//
// Start with [URL] and [Text]. [Target] returns the origin that requests are counted by. Scrubbing
// happens on the client, before anything is stored. Scrubbing a result again does not change it.
package scrub
