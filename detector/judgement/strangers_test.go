package judgement

import (
	"testing"
	"time"
)

func TestStrangers(t *testing.T) {
	j, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	born := int64(1_000_000)
	p := j.newPopulation(populationKey{}, nil, born)
	later := born + j.bins(time.Hour)
	p.exposure(byServer, 1, born+1)
	p.exposure(byServer, 2, later)
	for _, c := range []struct {
		name   string
		bin    int64
		server uint32
		want   bool
	}{
		{"known from the start", later, 1, false},
		{"new", later + 1, 2, true},
		{"no longer new", later + j.bins(strangeFor), 2, false},
		{"never asked", later, 3, true},
		{"none", later, 0, false},
		{"all are new", born + 1, 3, false},
	} {
		if got := (&turn{j: j, bin: c.bin}).strange(p.index, c.server); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
