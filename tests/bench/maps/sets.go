package maps

import (
	"math/bits"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/tests/bench/client"
	"github.com/heliograph-net/heliograph/tests/bench/measure"
)

const n = heatmap.MaxServers

// Names of cases.
const (
	Ours    = "heliograph"
	Plain   = "plain loop"
	Roaring = "Roaring"
	Map     = "heatmap.Map"
)

// sets are the same servers in each form.
type sets struct {
	ours    *heatmap.Bitset
	plain   []uint64
	roaring *roaring.Bitmap
}

// atRandom returns so many servers.
func atRandom(seed uint64, servers int) sets {
	ours, err := heatmap.NewBitset(n)
	if err != nil {
		panic(err) // n is the most
	}
	s := sets{ours, make([]uint64, (n+63)/64), roaring.New()}
	for r := rand.New(rand.NewPCG(seed, 0)); s.ours.Count() < servers; {
		i := r.IntN(n)
		s.ours.Set(i, true)
		s.plain[i>>6] |= 1 << (i & 63)
		s.roaring.Add(uint32(i))
	}
	return s
}

// one returns a case that does one thing over and over.
func one(name string, do func(i int)) client.Case {
	return client.Case{Name: name, Run: func(b *testing.B) {
		m := measure.Start(b)
		for i := 0; b.Loop(); i++ {
			do(i)
		}
		m.End()
	}}
}

// Sink takes results, so that making them is not left out.
var Sink int

// Set sets or clears one server of 1,000,000.
func Set() ([]client.Case, error) {
	s := atRandom(1, n/100)
	t, err := heatmap.NewTopology(fleet(n))
	if err != nil {
		return nil, err
	}
	m, now := heatmap.NewMap(t), time.Now()
	at := func(i int) int { return i * 7919 % n }
	return []client.Case{
		one(Ours, func(i int) { s.ours.Set(at(i), i&1 == 0) }),
		one(Plain, func(i int) {
			if at, mask := at(i), uint64(1)<<(at(i)&63); i&1 == 0 {
				s.plain[at>>6] |= mask
			} else {
				s.plain[at>>6] &^= mask
			}
		}),
		one(Roaring, func(i int) {
			if i&1 == 0 {
				s.roaring.Add(uint32(at(i)))
			} else {
				s.roaring.Remove(uint32(at(i)))
			}
		}),
		// with its lock, the counts of five levels and the time of the change
		one(Map, func(i int) { m.Set(at(i), heatmap.State(1+i&1), now) }),
	}, nil
}

// Count counts the servers that are down.
func Count() []client.Case {
	s := atRandom(1, n/100)
	return []client.Case{
		one(Ours, func(int) { Sink += s.ours.Count() }),
		one(Plain, func(int) {
			for _, w := range s.plain {
				Sink += bits.OnesCount64(w)
			}
		}),
		one(Roaring, func(int) { Sink += int(s.roaring.GetCardinality()) }),
	}
}

// Difference makes the difference of two maps and counts it.
func Difference() []client.Case {
	x, y, third := atRandom(1, n/100), atRandom(2, n/100), atRandom(3, 0)
	return []client.Case{
		one(Ours, func(int) {
			changed, _ := third.ours.Xor(x.ours, y.ours)
			Sink += changed
		}),
		one(Plain, func(int) {
			for i, w := range x.plain {
				third.plain[i] = w ^ y.plain[i]
				Sink += bits.OnesCount64(third.plain[i])
			}
		}),
		one(Roaring, func(int) { Sink += int(roaring.Xor(x.roaring, y.roaring).GetCardinality()) }),
	}
}

// Delta applies the difference to the minute after, of 20 servers, to a map.
func Delta() []client.Case {
	x, delta := atRandom(1, n/100), atRandom(2, 20)
	return []client.Case{
		one(Ours, func(int) { _, _ = x.ours.Xor(x.ours, delta.ours) }),
		one(Plain, func(int) {
			for i, w := range delta.plain {
				x.plain[i] ^= w
			}
		}),
		one(Roaring, func(int) { x.roaring.Xor(delta.roaring) }),
	}
}
