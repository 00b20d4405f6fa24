package agent

import (
	"bytes"
	"testing"
)

func FuzzPolicyChain(f *testing.F) {
	f.Add(policyChain{checked: 1_800_000_000}.encode())
	f.Add(policyChain{checked: -1, signed: [][]byte{[]byte("one"), {}, bytes.Repeat([]byte("x"), 300)}}.encode())
	f.Add(append(policyChain{}.encode(), 0xff, 0xff, 0xff, 0xff, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := decodeChain(b)
		if len(c.signed) > maxChain {
			t.Fatalf("%d policies", len(c.signed))
		}
		if again := c.encode(); len(b) >= 8 && !bytes.HasPrefix(b, again) {
			t.Fatalf("%x became %x", b, again)
		}
	})
}

func FuzzClient(f *testing.F) {
	f.Add(client{day: 20_000, token: [16]byte{1, 2, 3}}.encode())
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, ok := decodeClient(b); ok && !bytes.Equal(c.encode(), b) {
			t.Fatalf("%x became %x", b, c.encode())
		}
	})
}
