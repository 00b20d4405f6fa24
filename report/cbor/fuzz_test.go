package cbor_test

import (
	"bytes"
	"testing"

	"github.com/heliograph-net/heliograph/report/cbor"
)

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
