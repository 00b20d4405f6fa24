// Package keyfile encodes and parses the PEM files (RFC 7468) that hold an operator's keys. It is a
// package of its own because agents do not need it and crypto/x509 is large in WebAssembly.
//
// Ed25519 keys are stored as PKCS #8 (private) and SubjectPublicKeyInfo (public), as in RFC 8410;
// openssl reads both. Other keys are raw bytes under labels of their own. Write files of private
// keys with mode 0600. The parsers take a whole file, which must contain exactly one PEM block.
// Their errors contain no part of the file.
package keyfile

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"github.com/heliograph-net/heliograph/privacy/seal"
)

// maxFile is the greatest length of a key file in bytes.
const maxFile = 8192

const (
	signingLabel = "PRIVATE KEY"
	publicLabel  = "PUBLIC KEY"
	openLabel    = "HELIOGRAPH OPEN KEY"
	sealLabel    = "HELIOGRAPH SEAL KEY"
)

// MarshalSigningKey returns the file for an Ed25519 private key, which may sign policies, a
// collector's receipts or a detector's requests for feeds. It returns nil if the key has a
// wrong size.
func MarshalSigningKey(key ed25519.PrivateKey) []byte {
	if len(key) != ed25519.PrivateKeySize {
		return nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return encode(signingLabel, der, err)
}

// ParseSigningKey is the inverse of [MarshalSigningKey].
func ParseSigningKey(file []byte) (ed25519.PrivateKey, error) {
	der, err := decode(file, signingLabel)
	if err != nil {
		return nil, errors.New("parse signing key: " + err.Error())
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, errors.New("parse signing key: not an Ed25519 private key in PKCS #8")
	}
	return key, nil
}

// MarshalPublicKey returns the file for the public half of a signing key, or nil if the key has a
// wrong size.
func MarshalPublicKey(key ed25519.PublicKey) []byte {
	if len(key) != ed25519.PublicKeySize {
		return nil
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	return encode(publicLabel, der, err)
}

// ParsePublicKey is the inverse of [MarshalPublicKey].
func ParsePublicKey(file []byte) (ed25519.PublicKey, error) {
	der, err := decode(file, publicLabel)
	if err != nil {
		return nil, errors.New("parse public key: " + err.Error())
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	key, ok := parsed.(ed25519.PublicKey)
	if err != nil || !ok {
		return nil, errors.New("parse public key: not an Ed25519 public key")
	}
	return key, nil
}

// MarshalOpenKey returns the file for a detector's private key.
func MarshalOpenKey(key *seal.OpenKey) []byte { return encode(openLabel, key.Bytes(), nil) }

// ParseOpenKey is the inverse of [MarshalOpenKey].
func ParseOpenKey(file []byte) (*seal.OpenKey, error) {
	seed, err := decode(file, openLabel)
	if err != nil {
		return nil, errors.New("parse open key: " + err.Error())
	}
	return seal.ParseOpenKey(seed)
}

// MarshalSealKey returns the file for a detector's public key.
func MarshalSealKey(key *seal.Key) []byte { return encode(sealLabel, key.Bytes(), nil) }

// ParseSealKey is the inverse of [MarshalSealKey].
func ParseSealKey(file []byte) (*seal.Key, error) {
	b, err := decode(file, sealLabel)
	if err != nil {
		return nil, errors.New("parse seal key: " + err.Error())
	}
	return seal.ParseKey(b)
}

func encode(label string, contents []byte, err error) []byte {
	if err != nil {
		return nil // cannot happen for an Ed25519 key
	}
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: contents})
}

// decode returns the contents of a file that holds one PEM block with the given label and nothing
// else.
func decode(file []byte, label string) ([]byte, error) {
	if len(file) > maxFile {
		return nil, errors.New("file is longer than 8192 bytes")
	}
	block, rest := pem.Decode(file)
	switch {
	case block == nil:
		return nil, errors.New("no PEM block in the file")
	case block.Type != label:
		return nil, errors.New(`want a PEM block "` + label + `", the file has another`)
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("more in the file than one PEM block")
	}
	return block.Bytes, nil
}
