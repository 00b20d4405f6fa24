// Package history keeps the past of a heat map in a directory: a frame a minute, each as its
// difference to the one before, with the topology that it belongs to. Start with [Open].
//
// There is a file for each UTC day, so that old days can be deleted. A file stands by itself: it
// begins with a topology and a key frame, which is a whole map. A frame is found from the key frame
// before it. When the topology changes, the new one is written as its difference to one before, and
// a key frame follows. So servers that come, go, move or get other names never mix up earlier
// frames: each is shown in the topology of its time.
//
// # Format
//
// A file begins with the 8 bytes "HGHEAT" 0x00 0x01, of which the last is the version. Records
// follow. Numbers are little-endian:
//
//	kind     1 byte   1 topology, 2 one that refers to the last of kind 1, 3 key frame, 4 delta
//	length   4 bytes  of the payload
//	at       8 bytes  Unix milliseconds, never less than in the record before
//	checksum 4 bytes  CRC-32C of kind, length, at and payload
//	payload
//
// A file that ends within a record, as after a crash, is continued behind the last whole one.
package history
