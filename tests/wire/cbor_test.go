package wire

import (
	"bytes"
	"encoding/hex"
	"math"
	"testing"

	library "github.com/fxamacker/cbor/v2"

	"github.com/heliograph-net/heliograph/report/cbor"
)

// items are the examples of RFC 8949, appendix A, that lie in the subset, then byte strings that
// are no item of it, and at last one of everything.
var items = []string{
	"00", "01", "0a", "17", "1818", "1819", "1864", "18ff", "190100", "1903e8", "19ffff", "1a00010000",
	"1a000f4240", "1affffffff", "1b0000000100000000", "1b000000e8d4a51000", "1bffffffffffffffff", "0a",
	"20", "29", "3863", "3903e7", "1b7fffffffffffffff", "3b7fffffffffffffff", "f4", "f5", "40",
	"4401020304", "60", "6161", "6449455446", "62225c", "62c3bc", "63e6b0b4", "64f0908591", "80",
	"83010203", "98190102030405060708090a0b0c0d0e0f101112131415161718181819", "a0", "a201020304",

	"", "1901", "1b", "1800", "1817", "1900ff", "1a0000ffff", "1b00000000ffffffff", "3800",
	"3b8000000000000000", "580100", "4201", "6261", "5bffffffffffffffff", "9affffffff", "a20102", "8201",
	"61ff", "63eda080", "62c0af", "5f4100ff", "9f00ff", "bf0101ff", "1c", "c001", "f93c00",
	"fb3ff199999999999a", "f6", "f7", "f8ff", "ff", "a10001", "a202000100", "a201000100", "a1616101",
	"a12001", "0000", "818181818181818180",

	"87012038634301020362c3bca201f502a080",
}

// The library is the oracle of package cbor, too: strict decoding, and the core deterministic
// encoding of RFC 8949, section 4.2.1.
var (
	itemDecoder = must(library.DecOptions{
		DupMapKey: library.DupMapKeyEnforcedAPF, IndefLength: library.IndefLengthForbidden, TagsMd: library.TagsForbidden,
		MaxNestedLevels: 64, UTF8: library.UTF8RejectInvalid,
	}.DecMode())
	itemEncoder = must(library.CoreDetEncOptions().EncMode())
)

// Skip accepts exactly the byte strings that the library decodes to a value of the subset and
// encodes to the same bytes again.
func FuzzSkip(f *testing.F) {
	for _, b := range items {
		b, err := hex.DecodeString(b)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := cbor.New(b)
		d.Skip()
		err := d.Done()
		if canonical := itemAccepted(b); canonical != (err == nil) {
			t.Fatalf("%x: the library says canonical and of the subset: %v; we say %v", b, canonical, err)
		}
		if err == nil {
			if again := appendValue(nil, itemValue(t, b)); !bytes.Equal(again, b) {
				t.Fatalf("we write %x for %x", again, b)
			}
		}
	})
}

func itemValue(t *testing.T, b []byte) (v any) {
	if err := itemDecoder.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func itemAccepted(b []byte) bool {
	var v any
	if itemDecoder.Unmarshal(b, &v) != nil || !inSubset(v, cbor.MaxDepth) {
		return false
	}
	again, err := itemEncoder.Marshal(v)
	return err == nil && bytes.Equal(again, b)
}

// inSubset says whether v is of the types that this package speaks, with at most depth arrays and
// maps in each other.
func inSubset(v any, depth int) bool {
	switch v := v.(type) {
	case uint64, int64, bool, string, []byte:
		return true
	case []any:
		for _, item := range v {
			if !inSubset(item, depth-1) {
				return false
			}
		}
		return depth > 0
	case map[any]any:
		for key, item := range v {
			if k, ok := key.(uint64); !ok || k == 0 || !inSubset(item, depth-1) {
				return false
			}
		}
		return depth > 0
	default:
		return false
	}
}

// appendValue writes v with this package.
func appendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case uint64:
		return cbor.AppendUint(dst, v)
	case int64:
		return cbor.AppendInt(dst, v)
	case bool:
		return cbor.AppendBool(dst, v)
	case string:
		return cbor.AppendText(dst, v)
	case []byte:
		return cbor.AppendBytes(dst, v)
	case []any:
		dst = cbor.AppendArray(dst, len(v))
		for _, item := range v {
			dst = appendValue(dst, item)
		}
		return dst
	case map[any]any:
		dst = cbor.AppendMap(dst, len(v))
		last := uint64(0)
		for range v {
			next := uint64(math.MaxUint64)
			for key := range v {
				if k := key.(uint64); k > last {
					next = min(next, k)
				}
			}
			dst = appendValue(cbor.AppendUint(dst, next), v[next])
			last = next
		}
		return dst
	}
	return dst
}
