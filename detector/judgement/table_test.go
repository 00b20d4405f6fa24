package judgement

import (
	"maps"
	"math/rand/v2"
	"testing"
)

// A table is like a map, whatever the keys.
func TestTableIsAMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for name, key := range map[string]func() uint64{
		"random":    rng.Uint64,
		"small":     func() uint64 { return rng.Uint64N(500) },
		"high bits": func() uint64 { return rng.Uint64N(500) << 55 },
	} {
		var table table[int]
		for range 3 {
			want := map[uint64]int{}
			for n := range 3000 {
				k := key()
				if got := table.find(k); (got != nil) != (want[k] != 0) || got != nil && *got != want[k] {
					t.Fatalf("%s: %d has %v, want %d", name, k, got, want[k])
				}
				*table.add(k), want[k] = n+1, n+1
			}
			got := map[uint64]int{}
			for k, v := range table.each() {
				got[k] = *v
			}
			if table.len() != len(want) || !maps.Equal(got, want) {
				t.Fatalf("%s: %d entries, want %d", name, table.len(), len(want))
			}
			if table.clear(); table.len() != 0 || table.find(key()) != nil {
				t.Fatalf("%s: entries are left", name)
			}
		}
	}
}

func TestSourcesHaveNumbers(t *testing.T) {
	for _, s := range []source{{}, {1, 0}, {0, 1}, {1<<32 - 1, 1<<16 - 1}} {
		if got := numbered(s.number()); got != s {
			t.Errorf("%v comes back as %v", s, got)
		}
	}
}
