package ohttp

import (
	"crypto/hpke"
	"crypto/rand"
	"encoding/binary"
	"errors"
)

// PrivateKey is a gateway's private key with its identifier. It is immutable and safe for
// concurrent use.
type PrivateKey struct {
	id   byte
	kem  KEM
	seed [seedSize]byte
	key  hpke.PrivateKey
}

const seedSize = 32 // bytes, for either KEM

// GenerateKey returns a new key with a random identifier, made with the system's random source.
func GenerateKey(kem KEM) (*PrivateKey, error) {
	var b [1 + seedSize]byte
	_, _ = rand.Read(b[:]) // never fails
	return newPrivateKey(b[0], kem, b[1:])
}

func newPrivateKey(id byte, kem KEM, seed []byte) (*PrivateKey, error) {
	k := &PrivateKey{id: id, kem: kem}
	copy(k.seed[:], seed)
	var err error
	if k.key, err = kem.kem.NewPrivateKey(seed); err != nil {
		return nil, because(ErrMalformed, "impossible private key")
	}
	return k, nil
}

// ParsePrivateKey is the inverse of [PrivateKey.Bytes]. Its error wraps [ErrMalformed].
func ParsePrivateKey(b []byte) (*PrivateKey, error) {
	if len(b) != 3+seedSize {
		return nil, because(ErrMalformed, "a private key must have 35 bytes")
	}
	for _, kem := range [...]KEM{MLKEM768X25519(), X25519()} {
		if kem.id == binary.BigEndian.Uint16(b[1:]) {
			return newPrivateKey(b[0], kem, b[3:])
		}
	}
	return nil, because(ErrMalformed, "private key of an unknown KEM")
}

// ID returns the identifier of the key. The keys of one gateway differ in it.
func (k *PrivateKey) ID() byte { return k.id }

// Bytes returns the encoding of the key: identifier (1 byte), KEM (2 bytes, big-endian) and private
// key. The caller owns the result and must keep it secret.
func (k *PrivateKey) Bytes() []byte {
	return append(binary.BigEndian.AppendUint16([]byte{k.id}, k.kem.id), k.seed[:]...)
}

// AppendConfig appends the key's configuration, after its length, to a list of key configurations
// (application/ohttp-keys) and returns the result.
func (k *PrivateKey) AppendConfig(list []byte) []byte {
	public := k.key.PublicKey().Bytes()
	list = binary.BigEndian.AppendUint16(list, uint16(3+len(public)+2+4))
	list = binary.BigEndian.AppendUint16(append(list, k.id), k.kem.id)
	list = binary.BigEndian.AppendUint16(append(list, public...), 4)
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(list, kdfID), aeadID)
}

// Gateway opens requests that are sealed to any of its keys. It is immutable and safe for
// concurrent use.
type Gateway struct {
	keys    map[byte]*PrivateKey
	configs []byte
}

// NewGateway returns a Gateway with the given keys, newest first. The Gateway offers the first key
// of each KEM. The others open requests from clients that do not know the first yet. It is an error
// if two keys have the same identifier.
func NewGateway(keys ...*PrivateKey) (*Gateway, error) {
	g := &Gateway{keys: make(map[byte]*PrivateKey, len(keys))}
	offered := make(map[uint16]bool, 2)
	for _, k := range keys {
		if g.keys[k.id] != nil {
			return nil, errors.New("two keys have the same identifier: make another one in place of the newer")
		}
		g.keys[k.id] = k
		if !offered[k.kem.id] {
			offered[k.kem.id] = true
			g.configs = k.AppendConfig(g.configs)
		}
	}
	if len(g.configs) == 0 {
		return nil, errors.New("a gateway needs a key")
	}
	return g, nil
}

// Configs returns the list of the key configurations that the Gateway offers
// (application/ohttp-keys). The caller must not change it.
func (g *Gateway) Configs() []byte { return g.configs }

// Decapsulate opens an encapsulated request (RFC 9458, section 4.3). The Reply seals the response.
// The error wraps [ErrMalformed] for bytes that are not an encapsulated request, and [ErrKey] for a
// request that is not sealed to one of the keys or was altered. An encapsulation that opens has no
// other spelling, so a caller can detect replays by comparing bytes.
func (g *Gateway) Decapsulate(encapsulated []byte) (request []byte, r *Reply, err error) {
	if len(encapsulated) < headerSize {
		return nil, nil, because(ErrMalformed, "it ends within its header")
	}
	k := g.keys[encapsulated[0]]
	if k == nil || string(header(k.id, k.kem.id)) != string(encapsulated[:headerSize]) {
		return nil, nil, because(ErrKey, "unknown key or algorithms")
	}
	if len(encapsulated) < headerSize+k.kem.enc+tagSize {
		return nil, nil, because(ErrMalformed, "it ends within its encapsulated key")
	}
	enc := encapsulated[headerSize : headerSize+k.kem.enc : headerSize+k.kem.enc]
	recipient, err := hpke.NewRecipient(enc, k.key, hpke.HKDFSHA256(), hpke.AES128GCM(), requestInfo(encapsulated[:headerSize]))
	if err != nil {
		return nil, nil, because(ErrKey, "bad encapsulated key")
	}
	request, err = recipient.Open(nil, encapsulated[headerSize+k.kem.enc:])
	if err != nil {
		return nil, nil, ErrKey
	}
	secret, err := recipient.Export(responseLabel, responseNonce)
	if err != nil {
		return nil, nil, errors.New("decapsulate request: " + err.Error())
	}
	return request, &Reply{secret, append([]byte(nil), enc...)}, nil
}

// Reply seals the response to one request.
type Reply struct{ secret, enc []byte }

// Seal encapsulates a binary HTTP response (RFC 9458, section 4.4). The result is at most
// [Overhead] bytes longer than the response.
func (r *Reply) Seal(response []byte) ([]byte, error) {
	var nonce [responseNonce]byte
	_, _ = rand.Read(nonce[:]) // never fails
	return r.seal(nonce[:], response)
}

func (r *Reply) seal(responseNonce, response []byte) ([]byte, error) {
	aead, nonce, err := responseAEAD(r.secret, r.enc, responseNonce)
	if err != nil {
		return nil, errors.New("encapsulate response: " + err.Error())
	}
	b := append(make([]byte, 0, len(responseNonce)+len(response)+tagSize), responseNonce...)
	return aead.Seal(b, nonce, response, nil), nil
}
