package sketch

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

// What was added in any order, and merged, encoded and decoded, is the sum by bucket.
func TestPlacesAreSums(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		var a, b, whole Places
		want := map[report.Bucket]Place{}
		for range r.IntN(200) {
			c := Place{Bucket: report.Bucket(r.IntN(report.MaxBucket + 1)), Raw: 1 + r.Uint64N(100)}
			if c.Estimated = float64(c.Raw); r.IntN(2) == 0 {
				c.Estimated *= 20
				a.Add(c)
			} else {
				b.Add(c)
			}
			whole.Add(c)
			sum := want[c.Bucket]
			want[c.Bucket] = Place{c.Bucket, sum.Raw + c.Raw, sum.Estimated + c.Estimated}
		}
		a.Merge(&b)
		var back Places
		if err := back.Decode(a.Append(nil)); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(slices.Collect(back.Each), slices.Collect(whole.Each)) {
			t.Fatalf("%v, want %v", back, whole)
		}
		known := len(want)
		if _, some := want[0]; some {
			known--
		}
		if back.Count() != known || back.Unknown() != (known < len(want)) {
			t.Errorf("%d places, unknown %v; want %d", back.Count(), back.Unknown(), known)
		}
		for c := range back.Each {
			if want[c.Bucket] != c {
				t.Errorf("%+v, want %+v", c, want[c.Bucket])
			}
		}
	}
}

func TestPlacesTakeFewBytes(t *testing.T) {
	var p Places
	p.Add(Place{Bucket: 4000, Raw: 3, Estimated: 3})
	p.Add(Place{Bucket: report.MaxBucket + 1, Raw: 3, Estimated: 3})
	p.Add(Place{Bucket: 5})
	if b := p.Append(nil); len(b) != 3 {
		t.Errorf("a place takes %d bytes, want 3", len(b))
	}
}

func FuzzPlaces(f *testing.F) {
	var p Places
	for b := range report.Bucket(5) {
		p.Add(Place{Bucket: 1000 * b, Raw: uint64(b) + 1, Estimated: float64(b) * 20})
	}
	whole := p.Append(nil)
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add([]byte{0, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var p, again Places
		if err := p.Decode(b); err != nil {
			if !errors.Is(err, ErrEncoding) || p.Count() != 0 || p.Unknown() {
				t.Fatalf("%v, %v", p, err)
			}
			return
		}
		if err := again.Decode(p.Append(nil)); err != nil || !reflect.DeepEqual(p, again) {
			t.Fatalf("%v came back as %v, %v", p, again, err)
		}
	})
}
