package ohttp

import (
	"bytes"
	"testing"
)

// Every key that is returned is in the list, and encapsulating to it does not panic.
func FuzzParseKeyConfigs(f *testing.F) {
	plain, hybrid := key(f, 1, X25519(), 1).AppendConfig(nil), key(f, 2, MLKEM768X25519(), 1).AppendConfig(nil)
	f.Add(plain)
	f.Add(append(bytes.Clone(plain), hybrid...))
	f.Add(listed(unhex(f, exampleConfig)))
	f.Fuzz(func(t *testing.T, b []byte) {
		configs, err := ParseKeyConfigs(b, X25519(), MLKEM768X25519())
		if (err == nil) != (len(configs) > 0) {
			t.Fatalf("%d configurations, %v", len(configs), err)
		}
		for _, c := range configs {
			if head := header(c.id, c.kem.id)[:3]; !bytes.Contains(b, append(head, c.key.Bytes()...)) {
				t.Fatalf("key %d is not in the list", c.id)
			}
			_, _, _ = c.Encapsulate(nil) // must not panic; a key of low order is an error
		}
	})
}

// Only the exact bytes that were sealed open, and nothing makes the gateway panic.
func FuzzDecapsulate(f *testing.F) {
	k, err := newPrivateKey(1, X25519(), unhex(f, exampleKey))
	if err != nil {
		f.Fatal(err)
	}
	g := gateway(f, k, key(f, 2, MLKEM768X25519(), 1))
	example := unhex(f, exampleEncapsulated)
	f.Add(example)
	f.Add(example[:len(example)-1])
	f.Add(append(header(2, mlkemX25519ID), make([]byte, mlkemX25519Enc+tagSize)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		request, reply, err := g.Decapsulate(b)
		if (err == nil) != (reply != nil) {
			t.Fatal("neither or both")
		}
		if err == nil && (!bytes.Equal(b, example) || !bytes.Equal(request, unhex(t, exampleRequest))) {
			t.Fatalf("a forged request opens: %x", b)
		}
	})
}

func FuzzOpen(f *testing.F) {
	x := &Exchange{unhex(f, exampleSecret), unhex(f, exampleEnc)}
	f.Add(unhex(f, exampleSealed))
	f.Add(unhex(f, exampleSealed)[:responseNonce+tagSize])
	f.Fuzz(func(t *testing.T, b []byte) {
		if response, err := x.Open(b); err == nil && (!bytes.Equal(b, unhex(t, exampleSealed)) || !bytes.Equal(response, unhex(t, exampleResponse))) {
			t.Fatalf("a forged response opens: %x", b)
		}
	})
}
