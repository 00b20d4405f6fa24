package agent

import (
	"maps"
	"slices"

	"github.com/heliograph-net/heliograph/report"
)

// drop counts n lost records, for Stats and for the next header.
func (r *recorder) drop(reason string, n uint64) { r.dropFor(reason, n, nil) }

// dropFor is drop with an error for the event.
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

// unreported returns the losses that no header has reported yet, in the form of a header.
func (r *recorder) unreported() []report.Drop {
	r.mu.Lock()
	defer r.mu.Unlock()
	drops := make([]report.Drop, 0, len(r.untold))
	for _, reason := range slices.Sorted(maps.Keys(r.untold)) {
		drops = append(drops, report.Drop{Reason: reason, Count: min(r.untold[reason], report.MaxCount)})
	}
	return drops[:min(len(drops), report.MaxDrops)]
}

// reported removes the losses that a durable header has reported.
func (r *recorder) reported(drops []report.Drop) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range drops {
		if r.untold[d.Reason] -= d.Count; r.untold[d.Reason] == 0 {
			delete(r.untold, d.Reason)
		}
	}
}

// inherit takes over the losses that an earlier process has not reported.
func (r *recorder) inherit(left map[string]uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	addDrops(r.untold, left)
}

// unreportedAll returns a copy of the losses that no header has reported yet.
func (r *recorder) unreportedAll() map[string]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.untold)
}

// forgetDrops discards the losses that no header has reported yet.
func (r *recorder) forgetDrops() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.untold)
}

// addDrops adds more to drops, up to the limit of a counter.
func addDrops(drops, more map[string]uint64) {
	for reason, n := range more {
		drops[reason] = min(drops[reason]+n, report.MaxCount)
	}
}
