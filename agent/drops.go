package agent

import (
	"maps"
	"slices"

	"github.com/heliograph-net/heliograph/report"
)

// drop counts n lost records, for Stats and for the next header.
func (r *recorder) drop(reason string, n uint64) { r.dropFor(reason, n, nil) }

// dropFor is drop with an error for whoever hears of it.
func (r *recorder) dropFor(reason string, n uint64, err error) {
	if n == 0 {
		return
	}
	r.mu.Lock()
	r.total.Dropped[reason] += n
	r.untold[reason] += n
	r.mu.Unlock()
	r.events.emit(Event{Kind: EventDropped, Reason: reason, Count: n, Err: err})
}

// unreported is what no header has told yet, as a header has it.
func (r *recorder) unreported() []report.Drop {
	r.mu.Lock()
	defer r.mu.Unlock()
	drops := make([]report.Drop, 0, len(r.untold))
	for _, reason := range slices.Sorted(maps.Keys(r.untold)) {
		drops = append(drops, report.Drop{Reason: reason, Count: min(r.untold[reason], report.MaxCount)})
	}
	return drops[:min(len(drops), report.MaxDrops)]
}

// reported forgets what a durable header has told.
func (r *recorder) reported(drops []report.Drop) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range drops {
		if r.untold[d.Reason] -= d.Count; r.untold[d.Reason] == 0 {
			delete(r.untold, d.Reason)
		}
	}
}

// inherit takes over what an earlier process has not told.
func (r *recorder) inherit(left map[string]uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	addDrops(r.untold, left)
}

// unreportedAll is a copy of what no header has told yet.
func (r *recorder) unreportedAll() map[string]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.untold)
}

// forgetDrops forgets what no header has told yet.
func (r *recorder) forgetDrops() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.untold)
}

// addDrops adds more to drops, within what a counter holds.
func addDrops(drops, more map[string]uint64) {
	for reason, n := range more {
		drops[reason] = min(drops[reason]+n, report.MaxCount)
	}
}
