// Package privacy is the root of the packages that let users trust Heliograph, and operators trust
// a collector on a rented host:
//
//   - privacy/scrub removes from URLs and texts what could identify a person;
//   - privacy/seal encrypts records to the detector's key before they are written to disk, and
//     opens them;
//   - privacy/policy has the signed document that says what agents may do and where they deliver;
//   - privacy/receipt has the signed answers of collectors, without which an agent deletes nothing;
//   - privacy/auth signs the requests of detectors and relays, and the keys of gateways;
//   - privacy/ohttp and privacy/bhttp implement Oblivious HTTP (RFC 9458) and Binary
//     HTTP (RFC 9292);
//   - privacy/keyfile reads and writes key files.
//
// Start with privacy/seal and privacy/policy. This package itself defines only the errors that the
// others share.
//
// All cryptographic primitives come from the standard library: HPKE (RFC 9180) with the hybrid KEM
// MLKEM768-X25519, Ed25519 (RFC 8032) and SHA-256. Merkle trees are those of RFC 9162, section 2.1.
// Every signed message starts with a context string that ends in a NUL byte, so a signature for one
// purpose is not valid for another. Every decoder is strict: a value has only one accepted
// encoding, and a change of any single bit is noticed.
//
// All packages except keyfile compile to WebAssembly, so they import as little of the standard
// library as possible.
package privacy
