package sketch

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

func setOf(from, to uint64) (c Clients) {
	for n := from; n < to; n++ {
		c.Add(Hash(Key{7}, n))
	}
	return c
}

func TestClientsAreCounted(t *testing.T) {
	for _, n := range []uint64{0, 1, 2, 63, 64} {
		c := setOf(0, n)
		c.Merge(new(setOf(0, n))) // the same once more
		if c.Count() != int(n) {
			t.Errorf("%d of %d: small sets are exact", c.Count(), n)
		}
	}
	for _, n := range []uint64{65, 100, 1000, 100_000} {
		c := setOf(0, n)
		if got := float64(c.Count()); math.Abs(got-float64(n)) > 0.1*float64(n) {
			t.Errorf("%v of %d: that is beyond three standard errors", got, n)
		}
	}
}

// The union does not depend on the order of merging.
func TestClientsMergeInAnyOrder(t *testing.T) {
	for _, n := range []uint64{10, 60, 64, 65, 200, 5000} {
		whole := setOf(0, n)
		first, second, small := setOf(0, n*2/3), setOf(n/3, n), setOf(0, min(n, 3))
		a, b := first.Clone(), second.Clone()
		a.Merge(&second)
		b.Merge(&small)
		b.Merge(&first)
		if a.Count() != whole.Count() || b.Count() != whole.Count() {
			t.Errorf("%d: %d and %d clients, want %d", n, a.Count(), b.Count(), whole.Count())
		}
		if first.Count() != new(setOf(0, n*2/3)).Count() || small.Count() != int(min(n, 3)) {
			t.Errorf("%d: Merge has changed what it was given", n)
		}
	}
}

func TestClientsEncoding(t *testing.T) {
	for _, n := range []uint64{0, 1, 64, 65, 5000} {
		c := setOf(0, n)
		b := c.Append([]byte("x"))[1:]
		if len(b) > 1100 || n <= 64 && len(b) != int(8*n)+min(int(n), 1) {
			t.Errorf("%d clients take %d bytes", n, len(b))
		}
		var d Clients
		if err := d.Decode(b); err != nil || d.Count() != c.Count() || !slices.Equal(d.Append(nil), b) {
			t.Errorf("%d clients come back as %d, %v", n, d.Count(), err)
		}
		clear(b)
		if d.Count() != c.Count() {
			t.Errorf("%d: Decode has kept the bytes", n)
		}
	}
	rough := new(setOf(0, 100)).Append(nil)
	other := slices.Clone(rough)
	other[2] = 18 // another precision, that of a quarter of a megabyte
	for name, b := range map[string][]byte{
		"another kind": {9}, "nothing behind the kind": {kindExact}, "half a hash": append([]byte{kindExact}, 1, 2, 3),
		"out of order": append([]byte{kindExact}, make([]byte, 16)...), "too many": append([]byte{kindExact}, make([]byte, 8*65)...),
		"no sketch": {kindRough}, "a cut sketch": rough[:100], "another precision": other, "more behind it": append(slices.Clone(rough), 0),
	} {
		c := setOf(0, 5)
		if err := c.Decode(b); !errors.Is(err, ErrEncoding) || c.Count() != 0 {
			t.Errorf("%s: %v and %d clients", name, err, c.Count())
		}
	}
}

func TestHashesDependOnKeyAndToken(t *testing.T) {
	if a := Hash(Key{1}, 1); a == Hash(Key{2}, 1) || a == Hash(Key{1}, 2) || a != Hash(Key{1}, 1) {
		t.Error("hashes are alike")
	}
}

func TestSpreadSumsAlikeClients(t *testing.T) {
	var s Spread
	s.Add(Part{})                                   // nothing
	s.Add(Part{Raw: 2, Estimated: 2, Whole: 2})     // a quiet one
	s.Add(Part{Raw: 1, Estimated: 1, Whole: 3})     // one like it, with a part elsewhere
	s.Add(Part{Raw: 2, Estimated: 40, Whole: 2})    // one whose requests weigh more
	s.Add(Part{Raw: 500, Estimated: 500, Whole: 0}) // a loud one; a whole is no less than its part
	var got []Bucket
	for b := range s.Buckets {
		got = append(got, b)
	}
	want := []Bucket{{1 + 1./3, 3, 3}, {1, 2, 40}, {1, 500, 500}}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, want %+v", got, want)
	}
	if got[0].Whole() != 2.25 || got[1].Weight() != 20 || got[2].Whole() != 500 {
		t.Errorf("wholes and weights of %+v", got)
	}
	var twice Spread
	twice.Merge(&s)
	twice.Merge(&s)
	for b := range twice.Buckets {
		if b.Clients != 2*want[0].Clients || b.Raw != 6 {
			t.Errorf("%+v, want twice %+v", b, want[0])
		}
		break
	}
}

func TestSpreadEncoding(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var s, d Spread
	for range 100 {
		raw := rng.Uint64N(1 << rng.IntN(33))
		s.Add(Part{Raw: raw, Estimated: float64(raw) * float64(rng.IntN(1e6)), Whole: raw * rng.Uint64N(9)})
		b := s.Append(nil)
		if err := d.Decode(b); err != nil || !reflect.DeepEqual(d.cells, s.cells) || !slices.Equal(d.Append(nil), b) {
			t.Fatalf("%v: %+v, want %+v", err, d, s)
		}
	}
	var one Spread
	one.Add(Part{Raw: 1, Estimated: 1, Whole: 1})
	b := one.Append(nil)
	none := slices.Clone(b)
	none[len(none)-1] = 0
	endless := slices.Clone(b)
	copy(endless[2:], []byte{0x7f, 0xf0, 0, 0, 0, 0, 0, 0})
	for name, b := range map[string][]byte{"cut": b[:10], "without requests": none, "twice the same": append(slices.Clone(b), b...),
		"an endless number of clients": endless, "a number that does not end": append(b[:18:18], 0x80)} {
		if err := d.Decode(b); !errors.Is(err, ErrEncoding) || len(d.cells) != 0 {
			t.Errorf("%s: %v, %+v", name, err, d)
		}
	}
}

func FuzzClientsDecode(f *testing.F) {
	for _, n := range []uint64{0, 5, 100} {
		f.Add(new(setOf(0, n)).Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var c Clients
		if c.Decode(b) == nil {
			if again := c.Append(nil); !slices.Equal(again, b) && len(b) > 0 && b[0] == kindExact {
				t.Fatalf("%x encodes to %x", b, again)
			}
			c.Merge(new(setOf(0, 70)))
			_ = c.Count()
		}
	})
}

func FuzzSpreadDecode(f *testing.F) {
	var s Spread
	s.Add(Part{Raw: 3, Estimated: 60, Whole: 9})
	f.Add(s.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Spread
		if s.Decode(b) == nil {
			_ = s.Append(nil)
			s.Merge(&s)
		}
	})
}
