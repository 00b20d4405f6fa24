// Package receipt is the signed answer of a collector. It alone makes an agent delete what it kept:
// it names the batch, the hash of its bytes, and what became of them.
//
// A collector signs with [Sign] once for many uploads: the signature is over the root of a Merkle
// tree (RFC 9162, section 2.1), and each receipt proves that its [Statement] is a leaf. An agent
// checks with [Verify].
package receipt
