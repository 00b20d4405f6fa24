package keyfile

import (
	"bytes"
	"testing"

	"github.com/heliograph-net/heliograph/privacy/ohttp"
)

func TestObliviousKeysComeBack(t *testing.T) {
	for _, kem := range []ohttp.KEM{ohttp.MLKEM768X25519(), ohttp.X25519()} {
		key, err := ohttp.GenerateKey(kem)
		if err != nil {
			t.Fatal(err)
		}
		file, public := MarshalObliviousKey(key), MarshalObliviousConfig(key)
		if got, err := ParseObliviousKey(file); err != nil || !bytes.Equal(got.Bytes(), key.Bytes()) {
			t.Errorf("private: %v", err)
		}
		if list, err := ParseObliviousConfig(public); err != nil || !bytes.Equal(list, key.AppendConfig(nil)) {
			t.Errorf("public: %x, %v", list, err)
		}
		if _, err := ParseObliviousKey(public); err == nil {
			t.Error("a public key is taken for a private one")
		}
		if _, err := ParseObliviousConfig(file); err == nil {
			t.Error("a private key is taken for a public one")
		}
	}
	if _, err := ParseObliviousConfig(encode(obliviousPublicLabel, []byte{0, 1, 1}, nil)); err == nil {
		t.Error("a broken configuration is taken")
	}
}
