package collector

import (
	"fmt"
	"math"
	"sync"
	"time"
)

const (
	forecastWindow = time.Hour // growth of the inbox is measured over this time
	// detectors take batches within seconds, so if the oldest batch is older, no detector
	// is reading
	cutOffAfter = 10 * time.Minute
)

// usage is the size of the inbox at one moment.
type usage struct {
	at    time.Time
	bytes int64
}

// forecast predicts when the inbox will be full. The zero value is ready to use.
type forecast struct {
	mu      sync.Mutex
	history []usage    // guarded by mu; the last forecastWindow, oldest first
	last    InboxStats // guarded by mu
}

// note records the present state of the inbox and returns how many batches were dropped since the
// last call.
func (f *forecast) note(now time.Time, s InboxStats) (dropped uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.history) > 0 {
		dropped = s.Dropped - min(s.Dropped, f.last.Dropped)
	}
	f.last = s
	f.history = append(f.history, usage{now, s.Bytes})
	for now.Sub(f.history[0].at) > forecastWindow {
		f.history = f.history[1:]
	}
	return dropped
}

// fullIn returns fullAs for the state at the last note.
func (f *forecast) fullIn() time.Duration {
	f.mu.Lock()
	s := f.last
	f.mu.Unlock()
	return f.fullAs(s)
}

// fullAs returns the time until an inbox in state s is full, if it goes on growing as it did up to
// the last note. It is 0 if the inbox is full, and the longest Duration if the inbox does not grow.
func (f *forecast) fullAs(s InboxStats) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	limit := s.limit()
	if s.Full || s.Bytes >= limit {
		return 0
	}
	if len(f.history) < 2 {
		return math.MaxInt64
	}
	first, last := f.history[0], f.history[len(f.history)-1]
	grown, took := last.bytes-first.bytes, last.at.Sub(first.at)
	if grown <= 0 {
		return math.MaxInt64
	}
	left := float64(limit-s.Bytes) / float64(grown) * float64(took)
	if left >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(left)
}

// outlook implements [Collector.Outlook].
func (f *forecast) outlook(now time.Time) string {
	f.mu.Lock()
	s := f.last
	f.mu.Unlock()
	if s.Oldest.IsZero() || now.Sub(s.Oldest) < cutOffAfter {
		return s.shortOfDisk()
	}
	text := fmt.Sprintf("no detector has taken everything since %s; %d batches wait, %d of %d bytes are in use",
		s.Oldest.UTC().Format(time.RFC3339), s.Pending, s.Bytes, s.limit())
	if in := f.fullAs(s); in < math.MaxInt64 {
		text += fmt.Sprintf("; at the last hour's rate the inbox is full in %.1f hours", in.Hours())
	}
	return text
}
