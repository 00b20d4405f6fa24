package detector

import (
	"log/slog"
	"sync"
	"time"
)

// How many warnings for one reason are logged: so many at once, and then one per interval. Places
// with a bucket have a smaller share each, so that one place does not use up the warnings of all.
// What strangers send must not displace everything else in the log.
const (
	warnBurst, warnEvery   = 10, 10 * time.Second
	placeWarns, placeEvery = 3, time.Minute
	maxWarned              = 1024 // places that are remembered for one reason
)

// warner logs warnings that strangers can cause, at a limited rate for each reason. It is safe for
// concurrent use. The zero value is ready to use.
type warner struct {
	mu      sync.Mutex
	reasons map[string]*warned // guarded by mu; reasons are a few constants of this program
}

// warned has the state of one reason.
type warned struct {
	room    room
	places  map[place]room
	skipped int // since the last one that was logged
}

// room is how many warnings may be logged.
type room struct {
	left float64
	at   time.Time
}

// refill returns the room at now. The zero room is full.
func (r room) refill(now time.Time, burst float64, every time.Duration) room {
	if r.at.IsZero() {
		return room{burst, now}
	}
	return room{min(burst, r.left+max(now.Sub(r.at), 0).Seconds()/every.Seconds()), now}
}

// warn logs a warning about something from a place, or counts it for the next warning of its
// reason.
func (w *warner) warn(log *slog.Logger, from place, reason, text string, args ...any) {
	if skipped, ok := w.admit(from, reason, time.Now()); ok {
		if skipped > 0 {
			args = append(args, "more_like_it", skipped)
		}
		log.Warn(text, args...)
	}
}

// admit reports whether a warning may be logged, and how many were skipped before it.
func (w *warner) admit(from place, reason string, now time.Time) (skipped int, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.reasons[reason]
	if r == nil {
		if w.reasons == nil {
			w.reasons = map[string]*warned{}
		}
		r = &warned{places: map[place]room{}}
		w.reasons[reason] = r
	}
	r.room = r.room.refill(now, warnBurst, warnEvery)
	own := r.places[from].refill(now, placeWarns, placeEvery)
	if r.room.left < 1 || own.left < 1 && from.bucket != 0 {
		r.skipped++
		return 0, false
	}
	r.room.left--
	own.left--
	if len(r.places) >= maxWarned {
		clear(r.places) // the limit of the reason stands
	}
	r.places[from] = own
	skipped, r.skipped = r.skipped, 0
	return skipped, true
}
