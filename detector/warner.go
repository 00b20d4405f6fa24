package detector

import (
	"log/slog"
	"sync"
	"time"
)

// How many warnings for one reason the log takes: so many at once, and then one in so long. What
// strangers send must not push everything else out of it.
const (
	warnBurst = 10
	warnEvery = 10 * time.Second
)

// warner writes warnings that strangers can provoke, not more of a reason than makes sense. It is
// safe for concurrent use; the zero value is ready.
type warner struct {
	mu      sync.Mutex
	reasons map[string]*warned // a reason is one of a few words of this program
}

// warned is what happened for one reason.
type warned struct {
	room    float64 // how many may be written now
	at      time.Time
	skipped int // since the last that was written
}

// warn writes a warning, or counts it for the next one of its reason.
func (w *warner) warn(log *slog.Logger, reason, text string, args ...any) {
	if skipped, ok := w.admit(reason, time.Now()); ok {
		if skipped > 0 {
			args = append(args, "more_like_it", skipped)
		}
		log.Warn(text, args...)
	}
}

// admit says whether a warning may be written, and how many were not before it.
func (w *warner) admit(reason string, now time.Time) (skipped int, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.reasons[reason]
	if r == nil {
		if w.reasons == nil {
			w.reasons = map[string]*warned{}
		}
		r = &warned{room: warnBurst, at: now}
		w.reasons[reason] = r
	}
	r.room = min(warnBurst, r.room+max(now.Sub(r.at), 0).Seconds()/warnEvery.Seconds())
	r.at = now
	if r.room < 1 {
		r.skipped++
		return 0, false
	}
	r.room--
	skipped, r.skipped = r.skipped, 0
	return skipped, true
}
