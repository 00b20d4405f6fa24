// Package seal encrypts records to the detector's key. An agent seals records before it writes them
// to disk; only the detector can open them.
//
// Sealed records form a segment. An agent starts a segment with [NewSealer] and adds records with
// [Sealer.Seal]. A collector checks the framing of a segment with [ParseSegment], which needs no
// key. A detector opens it with [Keyring.Open]. The cipher suite is HPKE (RFC 9180) with
// MLKEM768-X25519, HKDF-SHA256 and ChaCha20-Poly1305. docs/wire-format.md describes the layout.
package seal
