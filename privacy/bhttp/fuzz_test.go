package bhttp

import (
	"bytes"
	"testing"
)

// Any accepted message can be encoded. Its encoding, even if padded, decodes to the same message,
// which has the same encoding again.
func FuzzDecodeRequest(f *testing.F) {
	for _, s := range []string{knownRequest, indeterminateRequest, "00034745540568747470730b6578616d706c652e636f6d012f"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeRequest(b)
		if err != nil {
			if r != nil {
				t.Fatal("a request and an error")
			}
			return
		}
		canonical, err := AppendRequest(nil, r)
		if err != nil {
			t.Fatalf("%x is accepted and cannot be encoded: %v", b, err)
		}
		again, err := DecodeRequest(Pad(bytes.Clone(canonical), 0, 64))
		if err != nil || !sameRequest(again, r) {
			t.Fatalf("%x came back as %+v, %v", b, again, err)
		}
		if twice, err := AppendRequest(nil, again); err != nil || !bytes.Equal(twice, canonical) {
			t.Fatalf("%x has two encodings", b)
		}
	})
}

func FuzzDecodeResponse(f *testing.F) {
	for _, s := range []string{knownResponse, indeterminateResponse, "0140c8"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeResponse(b)
		if err != nil {
			if r != nil {
				t.Fatal("a response and an error")
			}
			return
		}
		canonical, err := AppendResponse(nil, r)
		if err != nil {
			t.Fatalf("%x is accepted and cannot be encoded: %v", b, err)
		}
		again, err := DecodeResponse(canonical)
		if err != nil || !sameResponse(again, r) {
			t.Fatalf("%x came back as %+v, %v", b, again, err)
		}
		if twice, err := AppendResponse(nil, again); err != nil || !bytes.Equal(twice, canonical) {
			t.Fatalf("%x has two encodings", b)
		}
	})
}
