// Package auth signs what the hosts of an operator send each other: a detector's requests for a
// feed ([SignFeed]), what a relay says about its clients ([SignRelay]), and the keys that a gateway
// offers ([SignGatewayKeys]). Each is an HTTP header with a time and an Ed25519 signature.
package auth
