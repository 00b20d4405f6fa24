// Package privacy holds what lets a user trust Heliograph, and an operator trust a collector on a rented host: scrubbing (ScrubURL,
// ScrubText), sealing of segments to the detector's key (Sealer, Keyring), the signed policy (OpenPolicy, Policy.Effective), and the
// signed receipts that alone make an agent delete what it kept (SignReceipts, VerifyReceipt).
//
// All cryptography is the standard library's: HPKE (RFC 9180) with the hybrid KEM MLKEM768-X25519, Ed25519 (RFC 8032), SHA-256, and
// Merkle trees as RFC 9162, section 2.1, defines them. Every signature is over a context string that ends in a NUL byte, so a
// signature made for one purpose is worth nothing for another. Every decoder is strict: bytes that are accepted are the only
// encoding of what they say, and no single bit of them can change unnoticed.
//
// The package compiles to WebAssembly, so it leans on as little of the standard library as it can. Key files are in privacy/keyfile.
package privacy

// Media types of the documents that travel over HTTP.
const (
	MediaTypeSegment = "application/vnd.heliograph.segment" // a sealed batch, see Sealer
	MediaTypeReceipt = "application/vnd.heliograph.receipt" // what a collector answers, see SignReceipts
	MediaTypePolicy  = "application/vnd.heliograph.policy"  // see SignPolicy
	MediaTypeFeed    = "application/vnd.heliograph.feed"    // envelopes, each after its length in 4 bytes, big-endian
)

// HTTP headers of an upload.
const (
	HeaderDelivery = "Heliograph-Delivery" // report.AppendDelivery in base64url without padding
	HeaderBatch    = "Heliograph-Batch"    // report.BatchID.String
)
