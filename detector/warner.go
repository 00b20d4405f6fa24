package detector

import (
	"log/slog"
	"sync"
	"time"
)

// How many warnings for one reason the log takes: so many at once, and then one in so long; and of
// each place with a bucket fewer, so that one stranger does not use up what there is for all. What
// strangers send must not push everything else out of the log.
const (
	warnBurst, warnEvery   = 10, 10 * time.Second
	placeWarns, placeEvery = 3, time.Minute
	maxWarned              = 1024 // places that are remembered for one reason
)

// warner writes warnings that strangers can provoke, not more of a reason than makes sense. It is
// safe for concurrent use; the zero value is ready.
type warner struct {
	mu      sync.Mutex
	reasons map[string]*warned // guarded by mu; a reason is one of a few words of this program
}

// warned is what happened for one reason.
type warned struct {
	room    room
	places  map[place]room
	skipped int // since the last that was written
}

// room is how many warnings may be written.
type room struct {
	left float64
	at   time.Time
}

// refill returns the room of now. The zero room is full.
func (r room) refill(now time.Time, burst float64, every time.Duration) room {
	if r.at.IsZero() {
		return room{burst, now}
	}
	return room{min(burst, r.left+max(now.Sub(r.at), 0).Seconds()/every.Seconds()), now}
}

// warn writes a warning about what came from a place, or counts it for the next one of its reason.
func (w *warner) warn(log *slog.Logger, from place, reason, text string, args ...any) {
	if skipped, ok := w.admit(from, reason, time.Now()); ok {
		if skipped > 0 {
			args = append(args, "more_like_it", skipped)
		}
		log.Warn(text, args...)
	}
}

// admit says whether a warning may be written, and how many were not before it.
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
