package sqliteinbox

import (
	"maps"
	"math/rand/v2"
	"testing"
)

// A keyset has what a map would have.
func TestKeysetIsASet(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	s, want := newKeyset(0), map[key]int64{}
	kept := map[int]map[key]int64{}
	for seq := range int64(3000) {
		k := numberedKey(rng.IntN(2000))
		s.add(k, seq)
		want[k] = seq
		if seq == 999 {
			kept[len(s.all)] = map[key]int64{}
			maps.Copy(kept[len(s.all)], want)
		}
	}
	compare := func(want map[key]int64) {
		t.Helper()
		for n := range 2000 {
			k := numberedKey(n)
			seq, known := want[k]
			if s.has(&k, -1) != known || known && (s.has(&k, seq) || !s.has(&k, seq-1)) {
				t.Fatalf("key %d of seq %d, known %v", n, seq, known)
			}
		}
	}
	compare(want)
	if n := s.after(2990); n != 9 {
		t.Errorf("%d keys after the seq 2990 of 3000, want 9", n)
	}
	for keys, was := range kept {
		s.cut(keys)
		compare(was)
	}
	s.cut(0)
	compare(nil)
}
