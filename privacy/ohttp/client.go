package ohttp

import (
	"crypto/hpke"
	"encoding/binary"
	"errors"
)

// MaxKeys is the greatest length of a list of key configurations in bytes.
const MaxKeys = 4096

// KeyConfig is a gateway's public key and its algorithms (RFC 9458, section 3). It is immutable and
// safe for concurrent use.
type KeyConfig struct {
	id  byte
	kem KEM
	key hpke.PublicKey
}

// ID returns the key's identifier, by which the gateway finds the private key.
func (c *KeyConfig) ID() byte { return c.id }

// ParseKeyConfigs decodes a list of key configurations (application/ohttp-keys). It returns those
// for the given KEMs, in the order of kems and then of the list. It skips other KEMs and keys for
// other symmetric algorithms. The error is [ErrNoKey] if none is left. It wraps [ErrMalformed] if
// any part of the list is invalid, because using the rest of it could allow clients to be
// told apart.
func ParseKeyConfigs(list []byte, kems ...KEM) ([]*KeyConfig, error) {
	if len(list) > MaxKeys {
		return nil, because(ErrMalformed, "list exceeds MaxKeys")
	}
	found := make([][]*KeyConfig, len(kems))
	for len(list) > 0 {
		if len(list) < 2 || len(list)-2 < int(binary.BigEndian.Uint16(list)) {
			return nil, because(ErrMalformed, "list ends within a key configuration")
		}
		n := 2 + int(binary.BigEndian.Uint16(list))
		c, at, err := parseKeyConfig(list[2:n], kems)
		if err != nil {
			return nil, err
		}
		if c != nil {
			found[at] = append(found[at], c)
		}
		list = list[n:]
	}
	var all []*KeyConfig
	for _, of := range found {
		all = append(all, of...)
	}
	if len(all) == 0 {
		return nil, ErrNoKey
	}
	return all, nil
}

// parseKeyConfig decodes one key configuration. It returns nil and no error for one that cannot be
// used. at is the index of its KEM in kems.
func parseKeyConfig(b []byte, kems []KEM) (c *KeyConfig, at int, err error) {
	if len(b) < 3 {
		return nil, 0, because(ErrMalformed, "key configuration ends within its KEM")
	}
	for at < len(kems) && kems[at].id != binary.BigEndian.Uint16(b[1:]) {
		at++
	}
	if at == len(kems) {
		return nil, 0, nil // a KEM whose key length is unknown
	}
	kem := kems[at]
	if len(b) < 3+kem.public+2 {
		return nil, 0, because(ErrMalformed, "key configuration ends within its key")
	}
	key, err := kem.kem.NewPublicKey(b[3 : 3+kem.public])
	if err != nil {
		return nil, 0, because(ErrMalformed, "key configuration has an impossible key")
	}
	algorithms := b[3+kem.public+2:]
	if n := int(binary.BigEndian.Uint16(b[3+kem.public:])); n != len(algorithms) || n == 0 || n%4 != 0 {
		return nil, 0, because(ErrMalformed, "key configuration with algorithms of an impossible length")
	}
	for ; len(algorithms) > 0; algorithms = algorithms[4:] {
		if binary.BigEndian.Uint16(algorithms) == kdfID && binary.BigEndian.Uint16(algorithms[2:]) == aeadID {
			return &KeyConfig{b[0], kem, key}, at, nil
		}
	}
	return nil, 0, nil
}

// Exchange is what a client keeps of a request to open the response. It can be used for
// one response.
type Exchange struct{ secret, enc []byte }

// Encapsulate seals a binary HTTP request to the gateway (RFC 9458, section 4.3). The result is at
// most [Overhead] bytes longer than the request. Each call generates new keys, so a request that is
// sent again must be encapsulated again.
func (c *KeyConfig) Encapsulate(request []byte) ([]byte, *Exchange, error) {
	b := header(c.id, c.kem.id)
	enc, sender, err := hpke.NewSender(c.key, hpke.HKDFSHA256(), hpke.AES128GCM(), requestInfo(b))
	if err != nil {
		return nil, nil, errors.New("encapsulate request: " + err.Error())
	}
	sealed, err := sender.Seal(nil, request)
	if err != nil {
		return nil, nil, errors.New("encapsulate request: " + err.Error())
	}
	secret, err := sender.Export(responseLabel, responseNonce)
	if err != nil {
		return nil, nil, errors.New("encapsulate request: " + err.Error())
	}
	return append(append(b, enc...), sealed...), &Exchange{secret, enc}, nil
}

// Open opens an encapsulated response (RFC 9458, section 4.4). The error wraps [ErrOpen] unless the
// holder of the gateway's key made the response for this request.
func (x *Exchange) Open(response []byte) ([]byte, error) {
	if len(response) < responseNonce+tagSize {
		return nil, because(ErrOpen, "it is too short")
	}
	aead, nonce, err := responseAEAD(x.secret, x.enc, response[:responseNonce])
	if err != nil {
		return nil, errors.New("open response: " + err.Error())
	}
	b, err := aead.Open(nil, nonce, response[responseNonce:], nil)
	if err != nil {
		return nil, ErrOpen
	}
	return b, nil
}
