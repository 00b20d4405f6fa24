package detector

import (
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// One place does not use up the warnings that there are for a reason.
func TestWarningsAreSharedByPlace(t *testing.T) {
	var w warner
	now := time.Unix(1_800_000_000, 0)
	written := func(from place, reason string, tries int) (n int) {
		for range tries {
			if _, ok := w.admit(from, reason, now); ok {
				n++
			}
		}
		return n
	}
	if n := written(place{1, 1}, "a", 1000); n != placeWarns {
		t.Errorf("%d warnings of one place, want %d", n, placeWarns)
	}
	if n := written(place{1, 2}, "a", 1); n != 1 {
		t.Error("its neighbour gets none")
	}
	many := 0
	for b := range report.Bucket(5000) {
		many += written(place{2, b + 1}, "a", 3)
	}
	if many != warnBurst-placeWarns-1 {
		t.Errorf("%d warnings of all others, want what was left of %d", many, warnBurst)
	}
	if n := written(place{2, 1}, "b", 1); n != 1 {
		t.Error("another reason is not told")
	}
	now = now.Add(3 * time.Minute)
	if n := written(place{1, 1}, "a", 1000); n != placeWarns {
		t.Errorf("%d warnings after three minutes, want %d", n, placeWarns)
	}
	if skipped, ok := w.admit(place{1, 3}, "a", now); !ok || skipped != 997 {
		t.Errorf("%d were skipped, %v; want 997", skipped, ok)
	}
}
