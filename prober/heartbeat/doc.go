// Package heartbeat is the other way to learn whether servers are up: each rack tells the prober,
// one bit for each of its servers, and is dead when silent.
//
// A sender makes a [Beat] and sends it with [Send] every few seconds. A [Receiver] takes beats by
// HTTP and remembers the last of each rack. A [Spec] makes a server of a rack a target like any
// other, whose attempts look at what the receiver knows: so its schedule, its doubts, its windows
// of maintenance and its place in the heat map are those of all targets.
//
// # Wire
//
// A beat is the body of a POST, of [MediaType], whose header Authorization is that of
// [auth.SignHeartbeat]. Numbers are big-endian:
//
//	4 bytes   "HLHB"
//	1 byte    version, 1
//	8 bytes   number: greater than that of every earlier beat of the rack; Unix milliseconds
//	1 byte    length of the rack's name, 1 to 255
//	…         name
//	4 bytes   n, how many servers the rack has
//	⌈n/8⌉     bits as of [heatmap.Bitset]: bit i is 1 if server i is up; padding is zero
package heartbeat
