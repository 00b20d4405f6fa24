package seal

import (
	"bytes"
	"testing"

	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
)

func FuzzParseSegment(f *testing.F) {
	whole := AppendEnd(sealed(f, openKey(f, 1).SealKey(), []byte("a"), []byte("bc")))
	f.Add(whole)
	f.Add(whole[:len(whole)-endSize])
	f.Add(append(bytes.Clone(whole), 0))
	f.Add(AppendEnd(append(bytes.Clone(whole[:prefixSize]), 0, 1, 0, 16)))
	f.Fuzz(func(t *testing.T, b []byte) {
		info, err := ParseSegment(b)
		if err != nil {
			return
		}
		again, frames := bytes.Clone(b[:prefixSize]), 0
		for off := prefixSize; ; frames++ {
			n, err := frameAt(b, off)
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
			again = append(again, b[off:off+lengthSize+n]...)
			off += lengthSize + n
		}
		if again = AppendEnd(again); !bytes.Equal(again, b) || frames != info.Frames || frames == 0 || len(b) > MaxSegment {
			t.Fatalf("%d bytes of %d frames came back as %d of %d", len(b), info.Frames, len(again), frames)
		}
		for _, torn := range [][]byte{b, b[:len(b)-endSize]} {
			if n, err := WholeFrames(torn); n != len(b)-endSize || err != nil {
				t.Fatalf("WholeFrames found %d, %v", n, err)
			}
		}
	})
}

func FuzzWholeFrames(f *testing.F) {
	whole := sealed(f, openKey(f, 1).SealKey(), []byte("a"), []byte("bc"))
	f.Add(whole)
	f.Add(AppendEnd(bytes.Clone(whole)))
	f.Add(whole[:len(whole)-1])
	f.Add(append(bytes.Clone(whole), make([]byte, 100)...))
	f.Add(append(bytes.Clone(whole), make([]byte, MaxSegment)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := WholeFrames(b)
		if err != nil {
			if n != 0 {
				t.Fatalf("%d bytes and an error", n)
			}
			return
		}
		if _, err := ParseSegment(AppendEnd(bytes.Clone(b[:n]))); err != nil {
			t.Fatal(err)
		}
		if m, err := WholeFrames(b[:n]); m != n || err != nil {
			t.Fatalf("%d bytes at first, then %d, %v", n, m, err)
		}
	})
}

func FuzzKeyringOpen(f *testing.F) {
	// all fuzzing processes need the same segment
	segment, err := fixtures.ReadGolden("segment.bin")
	if err != nil {
		f.Fatal(err)
	}
	whole, records := segment[:len(segment)-endSize], goldenRecords
	f.Add(segment)
	f.Add(whole)
	f.Add(AppendEnd(bytes.Clone(whole[:prefixSize+lengthSize+len(records[0])+sealOverhead])))
	f.Add(AppendEnd(sealed(f, openKey(f, 2).SealKey(), records...)))
	ring := NewKeyring(openKey(f, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		info, got, err := ring.Open(b)
		if err != nil {
			if got != nil {
				t.Fatal("records and an error")
			}
			return
		}
		if !bytes.HasPrefix(whole, b[:len(b)-endSize]) || info.ID != fixtures.Batch || info.Frames != len(got) {
			t.Fatal("a forged segment opens")
		}
		for i, r := range got {
			if !bytes.Equal(r, records[i]) {
				t.Fatalf("record %d is %q", i, r)
			}
		}
	})
}
