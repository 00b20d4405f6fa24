package keyfile

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/privacy/seal"
)

var key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))

func files(tb testing.TB) map[string][]byte {
	open, err := seal.ParseOpenKey(bytes.Repeat([]byte{2}, seal.OpenKeySize))
	if err != nil {
		tb.Fatal(err)
	}
	return map[string][]byte{
		"signing": MarshalSigningKey(key),
		"public":  MarshalPublicKey(key.Public().(ed25519.PublicKey)),
		"open":    MarshalOpenKey(open),
		"seal":    MarshalSealKey(open.SealKey()),
	}
}

// reparse parses a file as each kind of key, and marshals again what it got.
func reparse(file []byte) map[string][]byte {
	out := make(map[string][]byte)
	if k, err := ParseSigningKey(file); err == nil {
		out["signing"] = MarshalSigningKey(k)
	}
	if k, err := ParsePublicKey(file); err == nil {
		out["public"] = MarshalPublicKey(k)
	}
	if k, err := ParseOpenKey(file); err == nil {
		out["open"] = MarshalOpenKey(k)
	}
	if k, err := ParseSealKey(file); err == nil {
		out["seal"] = MarshalSealKey(k)
	}
	return out
}

func TestKeyFilesComeBackAsTheirOwnKindOnly(t *testing.T) {
	for kind, file := range files(t) {
		got := reparse(file)
		if len(got) != 1 || !bytes.Equal(got[kind], file) {
			t.Errorf("%s: came back as %v", kind, got)
		}
	}
}

// RFC 8410, section 10.3: the example's key in PKCS #8, as openssl writes it.
func TestSigningKeyOfRFC8410(t *testing.T) {
	const file = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n"
	k, err := ParseSigningKey([]byte(file))
	if err != nil || string(MarshalSigningKey(k)) != file {
		t.Errorf("%v", err)
	}
}

func TestKeyFilesRefused(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	good := MarshalSigningKey(key)
	for name, file := range map[string][]byte{
		"empty":       nil,
		"text":        []byte("not a key"),
		"two keys":    append(bytes.Clone(good), good...),
		"text after":  append(bytes.Clone(good), "x"...),
		"ECDSA":       pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		"other label": bytes.ReplaceAll(good, []byte("PRIVATE"), []byte("PUBLIC")),
		"short seed":  pem.EncodeToMemory(&pem.Block{Type: "HELIOGRAPH OPEN KEY", Bytes: make([]byte, 31)}),
		"bad point":   pem.EncodeToMemory(&pem.Block{Type: "HELIOGRAPH SEAL KEY", Bytes: bytes.Repeat([]byte{255}, seal.KeySize)}),
		"too long":    append(bytes.Repeat([]byte("\n"), maxFile), good...),
	} {
		if got := reparse(file); len(got) != 0 {
			t.Errorf("%s: accepted as %v", name, got)
		}
	}
	if MarshalSigningKey(nil) != nil || MarshalPublicKey(nil) != nil {
		t.Error("a file for no key")
	}
}

func TestErrorsQuoteNothingOfTheFile(t *testing.T) {
	_, err := ParseSigningKey([]byte("-----BEGIN SECRET-----\nc2VjcmV0\n-----END SECRET-----\n"))
	if err == nil || strings.Contains(err.Error(), "SECRET") {
		t.Error(err)
	}
}

// What parses is one kind of key, and survives another round.
func FuzzKeyFile(f *testing.F) {
	for _, file := range files(f) {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		got := reparse(file)
		if len(got) > 1 {
			t.Fatalf("%d kinds at once", len(got))
		}
		for kind, again := range got {
			if !bytes.Equal(reparse(again)[kind], again) {
				t.Fatalf("%s: does not come back", kind)
			}
		}
	})
}
