// Package ohttp implements the encapsulation of Oblivious HTTP (RFC 9458). A client seals a binary
// HTTP message (package bhttp) to a gateway and sends it through a relay. The relay learns who
// asks, the gateway learns what is asked, and neither learns both. Clients need [ParseKeyConfigs],
// [KeyConfig.Encapsulate] and [Exchange.Open]. Gateways need [NewGateway] and its methods.
//
// The package supports two KEMs and one pair of symmetric algorithms, HKDF-SHA256 with AES-128-GCM,
// which every implementation has. Their implementations are the standard library's. Clients name
// the KEMs that they accept, so a program that names only one does not link the other. Likewise, a
// program that uses one side, client or gateway, does not link the other.
//
// The package compiles to WebAssembly, so it imports as little of the standard library as possible.
package ohttp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// Media types (RFC 9458, section 9).
const (
	MediaTypeRequest  = "message/ohttp-req"
	MediaTypeResponse = "message/ohttp-res"
	MediaTypeKeys     = "application/ohttp-keys"
)

// ProblemKey is the problem type (RFC 9457) of a gateway's answer to a request that used a key
// configuration which the gateway does not accept (RFC 9458, section 5.3).
const ProblemKey = "https://iana.org/assignments/http-problem-types#ohttp-key"

// Overhead is the most bytes by which an encapsulated request or response is longer than the
// message in it.
const Overhead = headerSize + mlkemX25519Enc + tagSize

// Errors of this package, to be tested with [errors.Is]. No error contains a part of what
// was refused.
var (
	ErrMalformed = errors.New("malformed Oblivious HTTP message") // or key configuration, or key
	// altered, or sealed to a key that the gateway does not have
	ErrKey  = errors.New("request does not open")
	ErrOpen = errors.New("response does not open") // altered, or the response to another request
	// no key for one of the KEMs and the symmetric algorithms
	ErrNoKey = errors.New("no usable key configuration")
)

// KEM is a key encapsulation mechanism; see [MLKEM768X25519] and [X25519].
type KEM struct {
	id     uint16 // from IANA's registry "HPKE KEM Identifiers"
	public int    // bytes of a public key
	enc    int    // bytes of an encapsulated key
	kem    hpke.KEM
}

// MLKEM768X25519 returns the hybrid of ML-KEM-768 and X25519 (0x647a, also called X-Wing). It is
// secure as long as one of the two is.
func MLKEM768X25519() KEM {
	return KEM{id: mlkemX25519ID, public: 1216, enc: mlkemX25519Enc, kem: hpke.MLKEM768X25519()}
}

// X25519 returns DHKEM(X25519, HKDF-SHA256) (0x0020), the KEM of the example in RFC 9458.
func X25519() KEM { return KEM{id: x25519ID, public: 32, enc: 32, kem: hpke.DHKEM(ecdh.X25519())} }

// The algorithms.
const (
	mlkemX25519ID  = 0x647a
	mlkemX25519Enc = 1120
	x25519ID       = 0x0020

	kdfID     = 0x0001 // HKDF-SHA256
	aeadID    = 0x0001 // AES-128-GCM
	keySize   = 16     // Nk
	nonceSize = 12     // Nn
	tagSize   = 16

	headerSize    = 1 + 2 + 2 + 2
	responseNonce = max(keySize, nonceSize)

	requestLabel  = "message/bhttp request\x00"
	responseLabel = "message/bhttp response"
)

// header returns the start of an encapsulated request (section 4.1).
func header(id byte, kem uint16) []byte {
	b := make([]byte, 0, headerSize)
	b = binary.BigEndian.AppendUint16(append(b, id), kem)
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, kdfID), aeadID)
}

// requestInfo returns the info parameter for HPKE (section 4.3).
func requestInfo(header []byte) []byte { return append([]byte(requestLabel), header...) }

// responseAEAD derives the key and the nonce of a response from the secret that HPKE exported for
// the request (section 4.4).
func responseAEAD(secret, enc, responseNonce []byte) (cipher.AEAD, []byte, error) {
	salt := append(append(make([]byte, 0, len(enc)+len(responseNonce)), enc...), responseNonce...)
	prk, err := hkdf.Extract(sha256.New, secret, salt)
	if err != nil {
		return nil, nil, err
	}
	key, err := hkdf.Expand(sha256.New, prk, "key", keySize)
	if err != nil {
		return nil, nil, err
	}
	nonce, err := hkdf.Expand(sha256.New, prk, "nonce", nonceSize)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, err
	}
	aead, err := cipher.NewGCM(block)
	return aead, nonce, err
}

// fault is an error that wraps a sentinel and describes what was wrong.
type fault struct {
	sentinel error
	detail   string
}

func (f *fault) Error() string { return f.sentinel.Error() + ": " + f.detail }
func (f *fault) Unwrap() error { return f.sentinel }

func because(sentinel error, detail string) error { return &fault{sentinel, detail} }
