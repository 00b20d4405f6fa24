package seal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/privacy/internal/fixtures"
	"github.com/heliograph-net/heliograph/report"
)

func TestSegmentOpens(t *testing.T) {
	key := openKey(t, 1)
	records := [][]byte{[]byte("header"), bytes.Repeat([]byte{7}, report.MaxRecord), {0}}
	segment := AppendEnd(sealed(t, key.SealKey(), records...))
	info, got, err := NewKeyring(openKey(t, 2), nil, key).Open(segment)
	if err != nil {
		t.Fatal(err)
	}
	if want := (SegmentInfo{ID: fixtures.Batch, Key: key.SealKey().ID(), Frames: 3}); info != want {
		t.Errorf("info is %+v, want %+v", info, want)
	}
	if !slices.EqualFunc(got, records, bytes.Equal) {
		t.Error("other records came out")
	}
	if parsed, err := ParseSegment(segment); parsed != info || err != nil {
		t.Errorf("ParseSegment gives %+v, %v", parsed, err)
	}
	clear(segment)
	if !slices.EqualFunc(got, records, bytes.Equal) {
		t.Error("the records share memory with the segment")
	}
}

func TestSegmentsOfOneBatchDiffer(t *testing.T) {
	k := openKey(t, 1).SealKey()
	a, b := sealed(t, k, []byte("x")), sealed(t, k, []byte("x"))
	if bytes.Equal(a[boundPrefix:], b[boundPrefix:]) {
		t.Error("the same record was sealed to the same bytes twice")
	}
}

func TestSealerRefuses(t *testing.T) {
	s, err := NewSealer(openKey(t, 1).SealKey(), fixtures.Batch)
	if err != nil {
		t.Fatal(err)
	}
	segment := bytes.Clone(s.Prefix())
	refuse := func(n int, want error) {
		t.Helper()
		out, err := s.Seal(segment, make([]byte, n))
		if err == nil || (want != nil && !errors.Is(err, want)) || len(out) != len(segment) || s.size != len(segment) {
			t.Errorf("record of %d bytes: %v, %d bytes, size %d", n, err, len(out), s.size)
		}
	}
	refuse(0, nil)
	refuse(report.MaxRecord+1, privacy.ErrTooLarge)
	for left := 0; ; segment, err = s.Seal(segment, make([]byte, min(left, report.MaxRecord))) {
		if err != nil {
			t.Fatal(err)
		}
		if left = MaxSegment - s.size - lengthSize - sealOverhead - endSize; left <= 0 {
			break
		}
		if left < report.MaxRecord {
			refuse(left+1, privacy.ErrTooLarge)
		}
	}
	refuse(1, privacy.ErrTooLarge)
	segment = AppendEnd(segment)
	if len(segment) != MaxSegment {
		t.Errorf("a full segment has %d bytes", len(segment))
	}
	if _, _, err := NewKeyring(openKey(t, 1)).Open(segment); err != nil {
		t.Errorf("after refusals: %v", err)
	}
	if _, err := ParseSegment(append(segment, 0)); !errors.Is(err, privacy.ErrTooLarge) {
		t.Errorf("one byte more: %v", err)
	}
	if _, err := NewSealer(nil, fixtures.Batch); err == nil {
		t.Error("a segment sealed to no key")
	}
}

func TestEveryBitOfSegmentCounts(t *testing.T) {
	ring := NewKeyring(openKey(t, 1))
	segment := AppendEnd(sealed(t, openKey(t, 1).SealKey(), []byte("a"), []byte("bc")))
	if _, _, err := ring.Open(segment); err != nil {
		t.Fatal(err)
	}
	fixtures.FlipEach(segment, func(bit int, flipped []byte) {
		_, records, err := ring.Open(flipped)
		if err == nil || records != nil {
			t.Fatalf("bit %d of byte %d can change: %v", bit%8, bit/8, err)
		}
		var want error
		switch at := bit / 8; {
		case at < 3:
			want = privacy.ErrMalformed
		case at == 3:
			want = privacy.ErrVersion
		case at < keyIDOffset:
			want = ErrOpen // the batch id
		case at < boundPrefix:
			want = ErrUnknownKey
		case at < prefixSize:
			want = ErrOpen
		}
		if want != nil && !errors.Is(err, want) {
			t.Fatalf("bit %d of byte %d: %v, want %v", bit%8, bit/8, err, want)
		}
	})
}

func TestSegmentCutAnywhereIsRefused(t *testing.T) {
	ring := NewKeyring(openKey(t, 1))
	segment := AppendEnd(sealed(t, openKey(t, 1).SealKey(), []byte("a"), []byte("bc")))
	for n := range segment {
		info, err := ParseSegment(segment[:n:n])
		if !errors.Is(err, privacy.ErrTruncated) {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if told := info.ID == fixtures.Batch; told != (n >= boundPrefix) {
			t.Fatalf("%d bytes: id told: %v", n, told)
		}
		if _, records, err := ring.Open(segment[:n:n]); !errors.Is(err, privacy.ErrTruncated) || records != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
}

func TestParseSegmentRefuses(t *testing.T) {
	body := sealed(t, openKey(t, 1).SealKey(), []byte("a"))
	frame := func(length uint32, n int) []byte {
		return append(binary.BigEndian.AppendUint32(bytes.Clone(body), length), make([]byte, n)...)
	}
	for _, c := range []struct {
		name    string
		segment []byte
		want    error
	}{
		{"other magic", append([]byte("HGP"), body[3:]...), privacy.ErrMalformed},
		{"next version", append([]byte("HGS\x02"), body[4:]...), privacy.ErrVersion},
		{"text", []byte("<html>captive portal</html>"), privacy.ErrMalformed},
		{"no frame", AppendEnd(bytes.Clone(body[:prefixSize])), privacy.ErrMalformed},
		{"bytes after the end", append(AppendEnd(bytes.Clone(body)), 0), privacy.ErrMalformed},
		{"two ends", AppendEnd(AppendEnd(bytes.Clone(body))), privacy.ErrMalformed},
		{"empty frame", AppendEnd(frame(sealOverhead, sealOverhead)), privacy.ErrMalformed},
		{"frame above the limit", AppendEnd(frame(maxFrame+1, maxFrame+1)), privacy.ErrMalformed},
		{"huge frame", frame(1<<32-1, 10), privacy.ErrMalformed},
		{"frame beyond the end", frame(100, 99), privacy.ErrTruncated},
		{"too large", make([]byte, MaxSegment+1), privacy.ErrTooLarge},
	} {
		if _, err := ParseSegment(c.segment); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestWholeFramesSavesWhatIsWhole(t *testing.T) {
	ring := NewKeyring(openKey(t, 1))
	records := [][]byte{[]byte("first"), []byte("second"), []byte("third")}
	body := sealed(t, openKey(t, 1).SealKey(), records...)
	bounds := []int{prefixSize}
	for _, r := range records {
		bounds = append(bounds, bounds[len(bounds)-1]+lengthSize+len(r)+sealOverhead)
	}
	for n := range len(body) + 1 {
		whole := 0
		for _, b := range bounds[1:] {
			if b <= n {
				whole++
			}
		}
		for tail, torn := range map[string][]byte{"": body[:n], "zeros": append(bytes.Clone(body[:n]), make([]byte, 4096)...)} {
			if tail == "zeros" && n != bounds[whole] {
				continue // zeros in the middle of a frame cannot be told from ciphertext
			}
			got, err := WholeFrames(torn)
			if whole == 0 {
				if !errors.Is(err, privacy.ErrTruncated) || got != 0 {
					t.Fatalf("%d bytes: saved %d, %v", n, got, err)
				}
				continue
			}
			if err != nil || got != bounds[whole] {
				t.Fatalf("%d bytes: saved %d, want %d, %v", n, got, bounds[whole], err)
			}
			_, opened, err := ring.Open(AppendEnd(bytes.Clone(torn[:got])))
			if err != nil || len(opened) != whole {
				t.Fatalf("%d bytes: %d records open, want %d, %v", n, len(opened), whole, err)
			}
		}
	}
	if _, err := WholeFrames([]byte("not a segment")); !errors.Is(err, privacy.ErrMalformed) {
		t.Errorf("not a segment: %v", err)
	}
}

func TestFramesCannotMove(t *testing.T) {
	ring := NewKeyring(openKey(t, 1))
	body := sealed(t, openKey(t, 1).SealKey(), []byte("a"), []byte("b"))
	other := sealed(t, openKey(t, 1).SealKey(), []byte("a"), []byte("b"))
	const frame = lengthSize + 1 + sealOverhead
	prefix, first, second := body[:prefixSize], body[prefixSize:prefixSize+frame], body[prefixSize+frame:]
	for name, segment := range map[string][]byte{
		"swapped":         slices.Concat(prefix, second, first),
		"doubled":         slices.Concat(prefix, first, first),
		"first dropped":   slices.Concat(prefix, second),
		"from another":    slices.Concat(prefix, other[prefixSize:]),
		"another's front": slices.Concat(other[:boundPrefix], body[boundPrefix:prefixSize], other[prefixSize:]),
	} {
		if _, records, err := ring.Open(AppendEnd(segment)); !errors.Is(err, ErrOpen) || records != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The end mark is not authenticated, so frames dropped from the end go unnoticed here. The hash
	// in the receipt reveals them.
	if _, records, err := ring.Open(AppendEnd(slices.Concat(prefix, first))); err != nil || len(records) != 1 {
		t.Errorf("last dropped: %v", err)
	}
}

func TestWrongKeyOpensNothing(t *testing.T) {
	segment := AppendEnd(sealed(t, openKey(t, 1).SealKey(), []byte("a")))
	if _, _, err := NewKeyring(openKey(t, 2)).Open(segment); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("other key: %v", err)
	}
	if _, _, err := NewKeyring().Open(segment); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("no key: %v", err)
	}
	id := openKey(t, 2).SealKey().ID()
	copy(segment[keyIDOffset:], id[:])
	if _, _, err := NewKeyring(openKey(t, 2)).Open(segment); !errors.Is(err, ErrOpen) {
		t.Errorf("other key under the right id: %v", err)
	}
}

func TestKeysComeBack(t *testing.T) {
	k, err := GenerateOpenKey()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseOpenKey(k.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	seal, err := ParseKey(k.SealKey().Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if len(seal.Bytes()) != KeySize || len(k.Bytes()) != OpenKeySize || seal.ID() != again.SealKey().ID() {
		t.Error("sizes or ids differ")
	}
	if _, _, err := NewKeyring(again).Open(AppendEnd(sealed(t, seal, []byte("a")))); err != nil {
		t.Error(err)
	}
	for n := range 2 * OpenKeySize {
		if _, err := ParseOpenKey(make([]byte, n)); (err == nil) != (n == OpenKeySize) {
			t.Errorf("open key of %d bytes: %v", n, err)
		}
	}
	for _, b := range [][]byte{nil, make([]byte, KeySize-1), make([]byte, KeySize+1), bytes.Repeat([]byte{0xff}, KeySize)} {
		if _, err := ParseKey(b); err == nil {
			t.Errorf("a seal key of %d bytes was taken", len(b))
		}
	}
}

// The cost of refusing a segment must not depend on what the segment claims.
func TestParseSegmentAllocatesNothing(t *testing.T) {
	good := AppendEnd(sealed(t, openKey(t, 1).SealKey(), []byte("a"), []byte("b")))
	if n := testing.AllocsPerRun(100, func() { _, _ = ParseSegment(good) }); n != 0 {
		t.Errorf("%v allocations for a good segment", n)
	}
	bad := binary.BigEndian.AppendUint32(bytes.Clone(good[:prefixSize]), maxFrame)
	if n := testing.AllocsPerRun(100, func() { _, _ = ParseSegment(bad) }); n > 1 {
		t.Errorf("%v allocations for a bad segment", n)
	}
}
