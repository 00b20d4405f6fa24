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

// watch records what tells whether the detector can see. Its times are on the monotonic clock,
// which does not step. It is safe for concurrent use.
type watch struct {
	source wallclock.Source

	mu    sync.Mutex // guards everything below
	start time.Duration
	feeds map[string]*watchedFeed

	opened   time.Duration // when a batch was last opened
	unknown  time.Duration // when the first batch with an unknown key came after that
	unknowns uint64        // number of these batches
	arrived  time.Duration // when any batch last came
	pause    time.Duration // the longest time between two batches

	windows, longWindows float64 // counts that halve every hour
	longest              time.Duration
	halved               time.Duration

	next     time.Time // the next bin to judge; zero before the first
	judged   time.Duration
	troubles map[string]error // by what is being tried again
}

// watchedFeed is what is known of one feed.
type watchedFeed struct {
	err      error         // of the last read; nil if it succeeded
	refused  bool          // err is a refusal
	failing  time.Duration // since when
	caughtUp time.Duration // when it last had no old batches left
	skew     time.Duration // how far its collector's clock is ahead
	restored time.Duration // when its inbox turned out to be another one
	tells    bool          // it signals when it has something
}

func newWatch(source wallclock.Source, s *Settings) *watch {
	_, now := source()
	w := &watch{source: source, start: now, opened: never, unknown: never, arrived: never, halved: now, judged: never,
		feeds: map[string]*watchedFeed{}, troubles: map[string]error{}}
	w.follow(s)
	return w
}

// now returns the time on the monotonic clock.
func (w *watch) now() time.Duration {
	_, at := w.source()
	return at
}

// when returns the wall clock's time at a moment in the past.
func (w *watch) when(at, now time.Duration) time.Time {
	wall, _ := w.source()
	return wall.Add(at - now)
}

// reload applies new settings, because new keys may open what the old ones did not.
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

// read records the result of a read.
func (w *watch) read(name string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.feeds[name]
	if f == nil {
		return // it is no longer a feed
	}
	now := w.now()
	if err != nil && f.err == nil {
		f.failing = now
	}
	f.err, f.refused = err, errors.Is(err, ErrRefused)
}

// skewed records how far the clock of a feed's collector is ahead of this machine's.
func (w *watch) skewed(name string, by time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f := w.feeds[name]; f != nil {
		f.skew = by
	}
}

// restored records that the inbox of a feed is another one.
func (w *watch) restored(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f := w.feeds[name]; f != nil {
		f.restored = w.now()
	}
}

// page records what a page contained.
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

// judge records which bin is to be judged next, and that one was judged.
func (w *watch) judge(next time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next, w.judged = next, w.now()
}

// trouble records the error of something that is tried again, or with nil that it succeeded.
func (w *watch) trouble(where string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.troubles[where] = err
}

// caught records that a feed has no old batches left.
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
