// Package privacy holds what lets a user trust Heliograph, and an operator trust a collector on a
// rented host, in packages of one subject each:
//
//   - privacy/scrub takes out of URLs and texts what could tell who somebody is;
//   - privacy/seal encrypts records to the detector's key before they touch a disk, and opens them;
//   - privacy/policy is the signed document that says what agents may do and where they deliver;
//   - privacy/receipt is the signed answer that alone makes an agent delete what it kept;
//   - privacy/auth signs the requests of detectors and relays, and lists of gateway keys;
//   - privacy/ohttp and privacy/bhttp are Oblivious HTTP (RFC 9458) and Binary HTTP (RFC 9292);
//   - privacy/keyfile reads and writes key files.
//
// The package itself holds only the errors that they share.
//
// All cryptography is the standard library's: HPKE (RFC 9180) with the hybrid KEM MLKEM768-X25519,
// Ed25519 (RFC 8032), SHA-256, and Merkle trees as RFC 9162, section 2.1, defines them. Every
// signature is over a context string that ends in a NUL byte, so a signature made for one purpose
// is worth nothing for another. Every decoder is strict: bytes that are accepted are the only
// encoding of what they say, and no single bit of them can change unnoticed.
//
// All of it but keyfile compiles to WebAssembly, so it leans on as little of the standard library
// as it can.
package privacy
