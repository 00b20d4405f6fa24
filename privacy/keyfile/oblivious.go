package keyfile

import (
	"errors"

	"github.com/heliograph-net/heliograph/privacy/ohttp"
)

const (
	obliviousLabel       = "HELIOGRAPH OBLIVIOUS KEY"
	obliviousPublicLabel = "HELIOGRAPH OBLIVIOUS KEY CONFIGURATION"
)

// MarshalObliviousKey returns the file for a gateway's private key.
func MarshalObliviousKey(key *ohttp.PrivateKey) []byte {
	return encode(obliviousLabel, key.Bytes(), nil)
}

// ParseObliviousKey is the inverse of [MarshalObliviousKey].
func ParseObliviousKey(file []byte) (*ohttp.PrivateKey, error) {
	b, err := decode(file, obliviousLabel)
	if err != nil {
		return nil, errors.New("parse oblivious key: " + err.Error())
	}
	return ohttp.ParsePrivateKey(b)
}

// MarshalObliviousConfig returns the file for the public half of a gateway's key.
func MarshalObliviousConfig(key *ohttp.PrivateKey) []byte {
	return encode(obliviousPublicLabel, key.AppendConfig(nil), nil)
}

// ParseObliviousConfig is the inverse of [MarshalObliviousConfig]. It returns a valid list of key
// configurations (application/ohttp-keys).
func ParseObliviousConfig(file []byte) ([]byte, error) {
	list, err := decode(file, obliviousPublicLabel)
	if err != nil {
		return nil, errors.New("parse oblivious key configuration: " + err.Error())
	}
	if _, err := ohttp.ParseKeyConfigs(list, ohttp.MLKEM768X25519(), ohttp.X25519()); err != nil {
		return nil, err
	}
	return list, nil
}
