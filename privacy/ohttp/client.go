package ohttp

import (
	"crypto/hpke"
	"encoding/binary"
	"errors"
)

// MaxKeys is the longest list of key configurations in bytes.
const MaxKeys = 4096

// KeyConfig is a gateway's public key and how to use it (RFC 9458, section 3). It does not change
// and is safe for concurrent use.
type KeyConfig struct {
	id  byte
	kem KEM
	key hpke.PublicKey
}

// ID is the key's identifier, by which its gateway finds it.
func (c *KeyConfig) ID() byte { return c.id }

// ParseKeyConfigs decodes a list of key configurations (application/ohttp-keys) and returns those
// of the given KEMs, in the order of the KEMs and then of the list. Others are passed over, as are
// keys for other symmetric algorithms. It is ErrNoKey when none is left, and ErrMalformed for a
// list that is wrong in any place: recovering a part of it could be used to tell clients apart.
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

// parseKeyConfig decodes one key configuration; it returns nil without an error for one that is of
// no use. at is the index of its KEM.
func parseKeyConfig(b []byte, kems []KEM) (c *KeyConfig, at int, err error) {
	if len(b) < 3 {
		return nil, 0, because(ErrMalformed, "key configuration ends within its KEM")
	}
	for at < len(kems) && kems[at].id != binary.BigEndian.Uint16(b[1:]) {
		at++
	}
	if at == len(kems) {
		return nil, 0, nil // whose length is unknown
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

// Exchange is what a client keeps of its request to open the response. It is good for one response.
type Exchange struct{ secret, enc []byte }

// Encapsulate seals a binary HTTP request to the gateway (section 4.3), at most Overhead bytes
// longer. Each call makes new keys: a request that is sent again must be encapsulated again.
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

// Open opens an encapsulated response (section 4.4). It is ErrOpen unless the holder of the
// gateway's key made it for this request.
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
