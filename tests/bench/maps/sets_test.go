package maps

import (
	"math/bits"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/tests/bench/measure"
)

const n = heatmap.MaxServers

// sets are the same servers, those that are down, in each form.
type sets struct {
	ours    *heatmap.Bitset
	plain   []uint64
	roaring *roaring.Bitmap
}

// downAtRandom returns 1 % of the servers.
func downAtRandom(seed uint64) sets {
	ours, err := heatmap.NewBitset(n)
	if err != nil {
		panic(err) // n is the most
	}
	s := sets{ours, make([]uint64, (n+63)/64), roaring.New()}
	for r := rand.New(rand.NewPCG(seed, 0)); s.ours.Count() < n/100; {
		i := r.IntN(n)
		s.ours.Set(i, true)
		s.plain[i>>6] |= 1 << (i & 63)
		s.roaring.Add(uint32(i))
	}
	return s
}

func bench(b *testing.B, name string, do func(i int)) {
	b.Run(name, func(b *testing.B) {
		m := measure.Start(b)
		for i := 0; b.Loop(); i++ {
			do(i)
		}
		m.End()
	})
}

var sink int

func BenchmarkSet(b *testing.B) {
	s := downAtRandom(1)
	t, err := heatmap.NewTopology(fleet())
	if err != nil {
		b.Fatal(err)
	}
	m, now := heatmap.NewMap(t), time.Now()
	at := func(i int) int { return i * 7919 % n }
	bench(b, "ours", func(i int) { s.ours.Set(at(i), i&1 == 0) })
	bench(b, "plain", func(i int) {
		if at, mask := at(i), uint64(1)<<(at(i)&63); i&1 == 0 {
			s.plain[at>>6] |= mask
		} else {
			s.plain[at>>6] &^= mask
		}
	})
	bench(b, "roaring", func(i int) {
		if i&1 == 0 {
			s.roaring.Add(uint32(at(i)))
		} else {
			s.roaring.Remove(uint32(at(i)))
		}
	})
	// with its lock, counts of five levels, the time of the change and subscribers
	bench(b, "map", func(i int) { m.Set(at(i), heatmap.State(1+i&1), now) })
}

func BenchmarkCount(b *testing.B) {
	s := downAtRandom(1)
	bench(b, "ours", func(int) { sink += s.ours.Count() })
	bench(b, "plain", func(int) {
		for _, w := range s.plain {
			sink += bits.OnesCount64(w)
		}
	})
	bench(b, "roaring", func(int) { sink += int(s.roaring.GetCardinality()) })
}

// BenchmarkDifference makes the difference of two maps and counts it.
func BenchmarkDifference(b *testing.B) {
	x, y := downAtRandom(1), downAtRandom(2)
	into, err := heatmap.NewBitset(n)
	if err != nil {
		b.Fatal(err)
	}
	third := make([]uint64, len(x.plain))
	bench(b, "ours", func(int) {
		changed, _ := into.Xor(x.ours, y.ours)
		sink += changed
	})
	bench(b, "plain", func(int) {
		for i, w := range x.plain {
			third[i] = w ^ y.plain[i]
			sink += bits.OnesCount64(third[i])
		}
	})
	bench(b, "roaring", func(int) { sink += int(roaring.Xor(x.roaring, y.roaring).GetCardinality()) })
}
