package detector

import (
	"errors"
	"math"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/internal/wallclock"
)

// never is before everything on the monotonic clock of a watch.
const never = time.Duration(math.MinInt64)

// watch remembers what tells whether the detector can see. Its times are those of the monotonic
// clock, which does not step. It is safe for concurrent use.
type watch struct {
	source wallclock.Source

	mu    sync.Mutex // guards everything below
	start time.Duration
	feeds map[string]*watchedFeed

	opened   time.Duration // when a batch was opened last
	unknown  time.Duration // when the first batch of an unknown key came after that
	unknowns uint64        // how many since
	arrived  time.Duration // when a batch came last, whatever it was
	pause    time.Duration // the longest between two

	windows, longWindows float64 // counts that halve every hour
	longest              time.Duration
	halved               time.Duration

	next     time.Time // the bin that is to be judged; zero before the first
	judged   time.Duration
	troubles map[string]error // by what is tried again
}

// watchedFeed is what is known of one feed.
type watchedFeed struct {
	err      error         // of the last read; nil: it worked
	refused  bool          // err is a refusal
	failing  time.Duration // since when
	caughtUp time.Duration // when nothing old was left in it last
	skew     time.Duration // how far its collector's clock is ahead
	restored time.Duration // when its inbox was found to be another
	tells    bool          // it is read at once when it has something
}

func newWatch(source wallclock.Source, s *Settings) *watch {
	_, now := source()
	w := &watch{source: source, start: now, opened: never, unknown: never, arrived: never, halved: now, judged: never,
		feeds: map[string]*watchedFeed{}, troubles: map[string]error{}}
	w.follow(s)
	return w
}

// now is the time on the monotonic clock.
func (w *watch) now() time.Duration {
	_, at := w.source()
	return at
}

// when is the wall clock's time of a moment in the past.
func (w *watch) when(at, now time.Duration) time.Time {
	wall, _ := w.source()
	return wall.Add(at - now)
}

// reload takes over other settings: other keys may open what those before did not.
func (w *watch) reload(s *Settings) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.follow(s)
	w.opened, w.unknown, w.unknowns = never, never, 0
}

func (w *watch) follow(s *Settings) {
	feeds := map[string]*watchedFeed{}
	for name := range s.Feeds {
		if feeds[name] = w.feeds[name]; feeds[name] == nil {
			feeds[name] = &watchedFeed{caughtUp: never, restored: never}
		}
		_, feeds[name].tells = s.Feeds[name].(changeNotifier)
	}
	w.feeds = feeds
}

// read notes what became of a read of a feed.
func (w *watch) read(name string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.feeds[name]
	if f == nil {
		return // it is a feed no more
	}
	now := w.now()
	if err != nil && f.err == nil {
		f.failing = now
	}
	f.err, f.refused = err, errors.Is(err, ErrRefused)
}

// skewed notes how far the clock of a feed's collector is ahead of ours.
func (w *watch) skewed(name string, by time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f := w.feeds[name]; f != nil {
		f.skew = by
	}
}

// restored notes that the inbox of a feed is another.
func (w *watch) restored(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f := w.feeds[name]; f != nil {
		f.restored = w.now()
	}
}

// page notes what a page brought.
func (w *watch) page(p *FeedPage, batches []*opened) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	if w.arrived != never {
		w.pause = max(w.pause, now-w.arrived)
	}
	w.arrived = now
	for i := range p.Quarantined {
		if p.Quarantined[i].Reason == ReasonUnknownKey {
			w.unknowns++
			if w.unknown == never {
				w.unknown = now
			}
		}
	}
	for ; now-w.halved >= time.Hour; w.halved += time.Hour {
		w.windows, w.longWindows = w.windows/2, w.longWindows/2
	}
	for _, b := range batches {
		w.opened, w.unknown, w.unknowns = now, never, 0
		w.windows += float64(b.windows)
		w.longWindows += float64(b.longWindows)
		w.longest = max(w.longest, b.longest)
	}
}

// judge notes which bin is to be judged next, and that one was.
func (w *watch) judge(next time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next, w.judged = next, w.now()
}

// trouble notes what is tried again, and with nil that it worked.
func (w *watch) trouble(where string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.troubles[where] = err
}

// caught notes that nothing old is left in a feed.
func (w *watch) caught(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f := w.feeds[name]; f != nil {
		f.caughtUp = w.now()
	}
}

// allFail reports whether no feed works.
func (w *watch) allFail() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.feeds {
		if f.err == nil {
			return false
		}
	}
	return true
}

// caughtUpSince reports whether nothing old has been left, since a moment, in any feed that works.
func (w *watch) caughtUpSince(at time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.feeds {
		if f.err == nil && !f.tells && f.caughtUp < at {
			return false
		}
	}
	return true
}
