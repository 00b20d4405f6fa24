// Package auth signs what travels between operators' own hosts: a detector's requests for a feed
// ([SignFeed]), what a relay says of its clients ([SignRelay]), and the keys that a gateway offers
// ([SignGatewayKeys]). All are headers of one form, with a time and an Ed25519 signature.
package auth
