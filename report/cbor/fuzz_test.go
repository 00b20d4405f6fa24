package cbor_test

import (
	"bytes"
	"math"
	"testing"

	library "github.com/fxamacker/cbor/v2"

	"github.com/heliograph-net/heliograph/report/cbor"
)

// The library is the oracle: strict decoding, and the core deterministic encoding of RFC 8949,
// section 4.2.1.
var (
	oracleDecoder = must(library.DecOptions{
		DupMapKey: library.DupMapKeyEnforcedAPF, IndefLength: library.IndefLengthForbidden, TagsMd: library.TagsForbidden,
		MaxNestedLevels: 64, UTF8: library.UTF8RejectInvalid,
	}.DecMode())
	oracleEncoder = must(library.CoreDetEncOptions().EncMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// seeds are every example that is accepted and every one that is refused.
func seeds(tb testing.TB) (all [][]byte) {
	for _, e := range examples {
		all = append(all, unhex(tb, e.hex))
	}
	for _, e := range refused {
		all = append(all, unhex(tb, e.hex))
	}
	all = append(all, unhex(tb, "8701203863 43010203 62c3bc a201f502a0 80"))
	return all
}

func TestSeedsAreThere(t *testing.T) {
	if n := len(seeds(t)); n < 50 {
		t.Fatalf("%d seeds: the fuzz targets would start from nothing", n)
	}
}

// Skip accepts exactly the byte strings that the library decodes to a value of the subset and
// encodes to the same bytes again.
func FuzzSkip(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := cbor.New(b)
		d.Skip()
		err := d.Done()
		if canonical := oracleAccepts(b); canonical != (err == nil) {
			t.Fatalf("%x: the library says canonical and of the subset: %v; we say %v", b, canonical, err)
		}
		if err == nil {
			if again := appendValue(nil, oracleValue(t, b)); !bytes.Equal(again, b) {
				t.Fatalf("we write %x for %x", again, b)
			}
		}
	})
}

func oracleValue(t *testing.T, b []byte) (v any) {
	if err := oracleDecoder.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func oracleAccepts(b []byte) bool {
	var v any
	if oracleDecoder.Unmarshal(b, &v) != nil || !inSubset(v, cbor.MaxDepth) {
		return false
	}
	again, err := oracleEncoder.Marshal(v)
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

// The typed methods, driven by a program of method numbers, accept only what encodes to the same
// bytes again.
func FuzzDecoder(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(b, []byte{0, 1, 2, 3, 4, 5, 6})
		if len(b) > 0 {
			f.Add(b, []byte{[...]byte{0, 1, 2, 3, 4, 5, 0, 6}[b[0]>>5], 0, 0, 0, 0})
		}
	}
	f.Fuzz(func(t *testing.T, b, program []byte) {
		d := cbor.New(b)
		var again []byte
		for _, step := range program {
			next := readOne(d, step, again)
			if d.Err() != nil {
				break
			}
			again = next
		}
		if !bytes.HasPrefix(b, again) {
			t.Fatalf("read %x of %x", again, b)
		}
		if d.Done() == nil && len(again) != len(b) {
			t.Fatalf("done after %d of %d bytes", len(again), len(b))
		}
	})
}

// readOne reads an item with the method that step names and appends what it read.
func readOne(d *cbor.Decoder, step byte, dst []byte) []byte {
	switch step % 7 {
	case 0:
		return cbor.AppendUint(dst, d.Uint())
	case 1:
		return cbor.AppendInt(dst, d.Int())
	case 2:
		return cbor.AppendBytes(dst, d.Bytes(1<<10))
	case 3:
		return cbor.AppendText(dst, d.Text(1<<10))
	case 4:
		return cbor.AppendArray(dst, d.Array(1<<10))
	case 5:
		return cbor.AppendMap(dst, d.Map(1<<10))
	default:
		return cbor.AppendBool(dst, d.Bool())
	}
}
