// Package receipt defines the signed answer of a collector to an upload. It names the batch, the
// hash of its bytes and the collector's decision. An agent deletes a batch only when it has a
// valid receipt.
//
// An agent checks receipts with [Verify]. A collector makes them with [Sign], which signs once for
// many uploads: the signature covers the root of a Merkle tree (RFC 9162, section 2.1), and each
// receipt proves that its [Statement] is a leaf of the tree.
package receipt
