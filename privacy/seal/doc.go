// Package seal encrypts records to the detector's key before they touch a disk, in segments, and
// opens them again behind the collectors.
//
// An agent begins a segment with [NewSealer] and appends what [Sealer.Seal] returns. A collector
// checks its framing with [ParseSegment], which needs no key. A detector opens it with
// [Keyring.Open]. The cipher suite is HPKE (RFC 9180) with MLKEM768-X25519, HKDF-SHA256 and
// ChaCha20-Poly1305; docs/wire-format.md has the layout.
package seal
