package detector

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Condition is a reason why the detector is blind or sees less than it should.
type Condition struct {
	Name  string    // one of the constants below
	Feed  string    // the feed that it is about, or ""
	Since time.Time // zero if unknown
	Text  string    // what is wrong and what to do about it, without a full stop
	// Blind means that nothing can be judged, so the detector is not ready. Otherwise the detector
	// works but sees less.
	Blind bool
}

// The names of conditions. docs/runbooks/blind.md says what to do about each.
const (
	ConditionFeedDown       = "feed_down"       // a feed does not answer
	ConditionFeedRefused    = "feed_refused"    // a feed refuses the detector
	ConditionWrongKeys      = "wrong_keys"      // nothing that arrives can be opened
	ConditionNothingArrives = "nothing_arrives" // feeds answer but have had nothing for long
	ConditionClockStepped   = "clock_stepped"   // the clock of this machine stepped
	ConditionCollectorClock = "collector_clock" // a collector's clock and this machine's differ
	ConditionLongWindows    = "long_windows"    // most windows come too late to be judged
	ConditionJudgingStands  = "judging_stands"  // bins are due but are not judged
	// a collector's inbox was replaced by another, or an older one
	ConditionInboxRestored = "inbox_restored"
)

var conditionNames = []string{ConditionFeedDown, ConditionFeedRefused, ConditionWrongKeys, ConditionNothingArrives, ConditionClockStepped,
	ConditionCollectorClock, ConditionLongWindows, ConditionJudgingStands, ConditionInboxRestored}

const (
	// feedPatience is how long a feed may fail before it counts as down.
	feedPatience = 10 * time.Second
	// keysPatience is how long no batch may be opened, after some were, before batches sealed to
	// unknown keys mean that the detector has the wrong keys. Anybody can send such batches at any
	// time.
	keysPatience = 2 * time.Minute
	// leastQuiet and quietPauses are how long feeds must be empty before that is a condition, and
	// how many times as long as the longest pause before.
	leastQuiet  = 10 * time.Minute
	quietPauses = 3
	// skewTolerance is how far a collector's clock may be off.
	skewTolerance = time.Minute
	// stuckAfter is how long no bin may be judged while one is due.
	stuckAfter = time.Minute
	// toldFor is how long something is told of that is over.
	steppedFor  = time.Hour
	restoredFor = 24 * time.Hour
	leastCount  = 10 // windows, before anything is said of them
)

// Conditions returns what keeps the detector from seeing, the conditions that make it blind first.
// It asks neither stores nor feeds. It is safe for concurrent use.
func (d *Detector) Conditions() []Condition {
	w := d.watch
	all := d.clockConditions()
	w.mu.Lock()
	defer w.mu.Unlock()
	at := w.now()
	all = append(all, w.feedConditions(at)...)
	for _, c := range []*Condition{w.keysCondition(at), w.arrivalsCondition(at), w.windowsCondition(d.longestWindow()), w.judgingCondition(at, d.now(), &d.o)} {
		if c != nil {
			all = append(all, *c)
		}
	}
	slices.SortStableFunc(all, func(a, b Condition) int {
		switch {
		case a.Blind == b.Blind:
			return 0
		case a.Blind:
			return -1
		}
		return 1
	})
	return all
}

// clockConditions describes the last step of the clock.
func (d *Detector) clockConditions() []Condition {
	s, ok := d.clock.Last()
	off := d.clock.Off()
	since := d.now().Sub(s.At)
	if !ok || off == 0 && since.Abs() > steppedFor && (since-s.By).Abs() > steppedFor {
		return nil
	}
	text := fmt.Sprintf("the clock of this machine stepped by %v at %s", s.By.Round(time.Second), s.At.UTC().Format(time.RFC3339))
	switch {
	case off != 0:
		text += "; bins are judged by the time before, until the new one has lasted or a collector confirms it"
	case s.Believed:
		text += "; bins are judged by the new time, and what fell between is judged late"
	default:
		text += ", and back"
	}
	return []Condition{{Name: ConditionClockStepped, Since: s.At, Text: text + "; see that it is synchronised (chronyc tracking, timedatectl)"}}
}

// feedConditions describes feeds that fail. The caller must hold mu.
func (w *watch) feedConditions(at time.Duration) (all []Condition) {
	failing := 0
	for _, name := range slices.Sorted(maps.Keys(w.feeds)) {
		f := w.feeds[name]
		if c := w.failure(name, f, at); c != nil {
			failing++
			all = append(all, *c)
		}
		if f.skew.Abs() > skewTolerance {
			all = append(all, Condition{Name: ConditionCollectorClock, Feed: name, Text: fmt.Sprintf(
				"the clock of %s and that of this machine differ by %v; set the one that is wrong (chronyc tracking, timedatectl)", name, f.skew.Round(time.Second))})
		}
		if f.restored != never && at-f.restored < restoredFor {
			all = append(all, Condition{Name: ConditionInboxRestored, Feed: name, Since: w.when(f.restored, at), Text: fmt.Sprintf(
				"the inbox of %s was replaced by another, or restored from an older copy: it is read from its beginning, and what only the lost one held is lost", name)})
		}
	}
	for i := range all {
		all[i].Blind = failing == len(w.feeds) && (all[i].Name == ConditionFeedDown || all[i].Name == ConditionFeedRefused)
	}
	return all
}

// failure describes the failure of a feed, or returns nil.
func (w *watch) failure(name string, f *watchedFeed, at time.Duration) *Condition {
	switch {
	case f.err == nil:
		return nil
	case f.refused:
		return &Condition{Name: ConditionFeedRefused, Feed: name, Since: w.when(f.failing, at), Text: fmt.Sprintf(
			"the feed of %s refuses this detector: %v; is detector.feed_key among the collector's feed_keys, and are both clocks right?", name, f.err)}
	case at-f.failing < feedPatience:
		return nil
	default:
		return &Condition{Name: ConditionFeedDown, Feed: name, Since: w.when(f.failing, at), Text: fmt.Sprintf(
			"the feed of %s cannot be read: %v; see whether the collector runs and can be reached", name, f.err)}
	}
}

// keysCondition describes batches none of which can be opened, or returns nil.
func (w *watch) keysCondition(at time.Duration) *Condition {
	if w.unknown == never || w.opened != never && at-w.opened < keysPatience {
		return nil
	}
	return &Condition{Name: ConditionWrongKeys, Since: w.when(w.unknown, at), Blind: true, Text: fmt.Sprintf(
		"nothing that arrives can be opened: %d batches are sealed to keys that detector.open_keys lacks; add the key and reload, they wait in quarantine for it", w.unknowns)}
}

// arrivalsCondition describes feeds that have nothing, or returns nil.
func (w *watch) arrivalsCondition(at time.Duration) *Condition {
	last := max(w.arrived, w.start)
	quiet := max(leastQuiet, quietPauses*w.pause)
	if at-last < quiet || len(w.feeds) == 0 {
		return nil
	}
	for _, f := range w.feeds {
		if f.err != nil { // that says it
			return nil
		}
	}
	text := "no batch has arrived for " + (at - last).Round(time.Minute).String()
	if w.arrived == never {
		text = "no batch has arrived since the start, " + (at - last).Round(time.Minute).String() + " ago"
	}
	return &Condition{Name: ConditionNothingArrives, Since: w.when(last, at), Text: text +
		", though the feeds answer: do agents reach the collectors (heliograph doctor), and is their policy in force?"}
}

// windowsCondition describes windows that come too late, or returns nil.
func (w *watch) windowsCondition(usable time.Duration) *Condition {
	if w.windows < leastCount || w.longWindows < w.windows/2 {
		return nil
	}
	return &Condition{Name: ConditionLongWindows, Text: fmt.Sprintf(
		"most windows are longer than can be judged in time (%v, of up to %v); shorten window in the policy, or raise detector.bin or detector.grace",
		usable, w.longest)}
}

// judgingCondition describes bins that are due, or returns nil.
func (w *watch) judgingCondition(at time.Duration, now time.Time, o *Options) *Condition {
	patience := max(stuckAfter, 3*o.Bin) + o.Grace
	failing := 0
	for _, f := range w.feeds {
		if f.err != nil {
			failing++
		}
	}
	if failing == len(w.feeds) || at-max(w.judged, w.start) < patience || !w.next.IsZero() && now.Before(w.next.Add(patience)) {
		return nil
	}
	c := &Condition{Name: ConditionJudgingStands, Since: w.when(max(w.judged, w.start), at), Blind: true, Text: "bins are due and are not judged"}
	if err := w.troubles["evaluate"]; err != nil {
		c.Text += ": " + err.Error()
	}
	return c
}
