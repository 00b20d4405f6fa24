package agent

import (
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// This file moves records from the recorder to the spooler.

// item is a record on its way into a segment. The times in a record are relative to its segment's
// birth, so they are set when the segment is known.
type item struct {
	at     time.Time // the window's end, the sample's time
	record report.Record
	probes probing // nil unless record holds a prober's results

	durations *report.Durations // of a window; nil: unknown
}

// loop ends windows when they are due, until stopping is closed. Without requests there is no
// window and no timer.
func (s *spooler) loop(stopping <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-stopping:
			return
		case <-s.recorder.opened:
			s.sealHandedOver()
		case <-timer.C:
			s.sealWindow(false)
		}
		timer.Reset(s.recorder.untilWindowEnds())
	}
}

// untilWindowEnds returns the time until the open window ends. If there is none, it returns a long
// time, because opened will be signalled.
func (r *recorder) untilWindowEnds() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.window.start.IsZero() {
		return idle
	}
	return r.window.left(time.Now())
}

// sealWindow ends the open window if it is due, or in any case if atOnce is set, and stores it if
// it is to be sent. It also stores what was handed over.
func (s *spooler) sealWindow(atOnce bool) {
	defer s.recorder.events.caught()
	s.settle(atOnce)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.consent.review() // the policy may have expired
	s.storeHandedOver()
	now := time.Now()
	w, ppm := s.recorder.takeWindow(now, atOnce)
	if w == nil {
		return
	}
	s.recorder.drop(report.DropOverflow, w.overflow)
	if ppm > 0 {
		s.store(w.level, w.items(now, ppm))
	}
}

// settle asks watchers to report what they know about requests that have not ended yet.
func (s *spooler) settle(now bool) {
	defer s.recorder.events.caught()
	if now || s.recorder.untilWindowEnds() <= 0 {
		s.recorder.settled(now)
	}
}

// sealHandedOver stores the tallies and probe results that were handed over.
func (s *spooler) sealHandedOver() {
	defer s.recorder.events.caught()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.consent.review() // as in sealWindow
	s.storeHandedOver()
}

// storeHandedOver does sealHandedOver's work. The caller holds mu.
func (s *spooler) storeHandedOver() {
	if found := s.recorder.takeProbes(); len(found) > 0 {
		s.store(report.Counts, found)
	}
	var items []item
	level := report.Diagnostics
	for _, t := range s.recorder.takeTallies() {
		items = append(items, t.items(t.end, t.ppm)...)
		level = min(level, t.level)
	}
	if len(items) > 0 {
		s.store(level, items)
	}
}

// takeWindow closes the open window if it is due, or in any case if atOnce is set, and opens the
// next. It returns the closed window and the probability with which such windows are sent, or 0 if
// this one is not. A window with a failure, an application error or losses to report is always
// sent, and so is the only one of a short-lived process if the policy says so. It returns nil if no
// window was closed.
func (r *recorder) takeWindow(now time.Time, atOnce bool) (*window, uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.window
	if w.start.IsZero() || (!atOnce && w.left(now) > 0) {
		return nil, 0
	}
	r.early.ended(w, now)
	r.window = newWindow(r.terms.policy.Policy, len(w.rows))
	if len(r.settle) > 0 && r.terms.record != report.Off {
		r.begun() // for them
	}
	if len(w.rows) == 0 && len(w.errors) == 0 && w.overflow == 0 {
		return nil, 0 // SettleLater began it, and it has stayed empty
	}
	r.total.Windows++
	all := atOnce && !r.earlier && w.left(now) > 0 && r.terms.policy.ShortLived
	r.earlier = true
	if all || w.failed || len(w.errors) > 0 || w.overflow > 0 || len(r.untold) > 0 {
		return w, report.FullPPM
	}
	if ppm := r.terms.policy.SuccessPPM; r.rand.Uint32N(report.FullPPM) < ppm {
		return w, ppm
	}
	r.total.SampledOut++
	return w, 0
}

// items returns the records of a window that ended at end and is sent with probability ppm,
// including samples and application errors.
func (w *window) items(end time.Time, ppm uint32) []item {
	var items []item
	if len(w.rows) > 0 {
		counted := &report.Window{
			Length:     min(max(uint64(sinceBirth(w.start, end)), 1), report.MaxAge),
			SampledPPM: ppm,
			Counters:   w.counters(),
		}
		items = append(items, item{at: end, record: counted, durations: w.histograms(counted)})
	}
	for i := range w.samples {
		if s := &w.samples[i]; s.record.Outcome != "" {
			items = append(items, item{at: s.at, record: &s.record})
		}
	}
	for _, g := range w.errors {
		at := g.at
		if w.level < report.Diagnostics {
			at = end // counts belong to the whole window
		}
		items = append(items, item{at: at, record: &g.record})
	}
	return items
}
