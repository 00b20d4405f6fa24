package agent

import (
	"net/netip"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

// key identifies a counter in a window. It has the fields of an [Observation] as they are. Making
// the strings of a report.Counter is too expensive for each successful request, so that is done
// only once for each key.
type key struct {
	scheme, host, protocol string
	outcome                report.Outcome
	server                 netip.AddrPort
	status                 uint16
	flags                  report.Flags
}

// matches reports whether o is counted under k.
func (k *key) matches(o *Observation) bool {
	return k.status == o.Status && k.flags == o.Flags && k.outcome == o.Outcome && k.server == o.Server &&
		k.host == o.Host && k.scheme == o.Scheme && k.protocol == o.Protocol
}

// row is one counter of a window and its key.
type row struct {
	key     key
	counter report.Counter // its Count may exceed report.MaxCount

	durations *durations // of its group; nil: not counted
}

// window is an interval that is being counted. The recorder's lock guards it while it is open.
// Afterwards it belongs to the code that took it.
type window struct {
	start    time.Time // zero: the window has not begun, because nothing was observed yet
	length   time.Duration
	early    time.Time      // when it ends early; zero: it does not
	level    report.Consent // the lowest level in force since start
	index    map[key]uint32 // into rows
	rows     []row
	latest   int    // into rows
	failed   bool   // at least one request did not succeed
	overflow uint64 // requests and errors for which there was no room

	failures   uint64 // failures that could have become samples, for the reservoir
	maxSamples int
	samples    []sample

	durations map[group]*durations

	errors []*errorGroup // errors of the application, in order of arrival
}

// sample is a report.Sample whose time is not yet relative. All its fields are empty until the
// failure's Observe has filled it.
type sample struct {
	at     time.Time
	record report.Sample
}

func newWindow(p *policy.Policy, sizeHint int) *window {
	return &window{
		length:     time.Duration(p.WindowMS) * time.Millisecond,
		index:      make(map[key]uint32, sizeHint),
		maxSamples: int(p.SamplesPerWindow),
	}
}

// left returns the time until the window, which must have begun, ends.
func (w *window) left(now time.Time) time.Duration {
	left := w.length - now.Sub(w.start)
	if !w.early.IsZero() {
		left = min(left, w.early.Sub(now))
	}
	return max(left, 0)
}

// allFailed reports whether requests were counted, and none of them succeeded.
func (w *window) allFailed() bool {
	for i := range w.rows {
		if w.rows[i].key.outcome == report.OK {
			return false
		}
	}
	return len(w.rows) > 0
}

// count counts n requests like o. Most are like the one before, and comparing costs less than
// making a key and finding it.
func (w *window) count(o *Observation, n uint64) {
	if w.latest < len(w.rows) && w.rows[w.latest].key.matches(o) {
		r := &w.rows[w.latest]
		r.counter.Count += n
		w.took(r, o.Elapsed, n)
		w.failed = w.failed || o.Outcome != report.OK
		return
	}
	k := o.key()
	w.add(&k, o.Elapsed, n)
}

// add counts n requests with key k that took so long. Only a key's first request allocates. k
// points to a key of the caller's, because copying one costs as much as comparing it.
func (w *window) add(k *key, elapsed time.Duration, n uint64) {
	if k.outcome != report.OK {
		w.failed = true
	}
	// Reading the map does not change its key. An assignment would store k's strings in it, and so
	// keep the application's whole URL in memory.
	if i, ok := w.index[*k]; ok {
		w.rows[i].counter.Count += n
		w.took(&w.rows[i], elapsed, n)
		w.latest = int(i)
		return
	}
	if !k.outcome.Valid() {
		unknown := *k
		unknown.outcome = report.Unknown
		w.add(&unknown, elapsed, n)
		return
	}
	if len(w.rows) == report.MaxCounters {
		w.overflow += n
		return
	}
	own := k.clone()
	w.index[own] = uint32(len(w.rows))
	r := row{key: own, counter: own.counter(n)}
	w.took(&r, elapsed, n)
	w.rows = append(w.rows, r)
}

// clone returns a copy of k that shares no memory with the application.
func (k key) clone() key {
	k.scheme, k.host = own(k.scheme), own(k.host)
	k.protocol, k.outcome = own(k.protocol), report.Outcome(own(string(k.outcome)))
	return k
}

// own returns a copy of s that shares no memory with the application. For the usual strings it is
// the constant that observers use, too, because comparing a string with itself costs least.
func own(s string) string {
	switch s {
	case string(report.OK):
		return string(report.OK)
	case "https":
		return "https"
	case "h2":
		return "h2"
	case "http/1.1":
		return "http/1.1"
	default:
		return strings.Clone(s)
	}
}

// lower removes from w what level does not cover. level is at least [report.Counts].
func (w *window) lower(level report.Consent) {
	w.level = level
	w.samples = nil
	w.dropDetails()
}

// admit decides by reservoir sampling whether a failure becomes a sample, so that all failures of
// the window have the same chance. It returns the sample's index or -1. draw(n) is uniform
// in [0, n).
func (w *window) admit(draw func(n uint64) uint64) int {
	w.failures++
	if len(w.samples) < w.maxSamples {
		w.samples = append(w.samples, sample{})
		return len(w.samples) - 1
	}
	if i := draw(w.failures); i < uint64(len(w.samples)) {
		w.samples[i] = sample{}
		return int(i)
	}
	return -1
}

// networkChanged marks all failures so far.
func (w *window) networkChanged() {
	for i := range w.rows {
		k := &w.rows[i].key
		if k.outcome == report.OK || k.flags&report.FlagNetworkChanged != 0 {
			continue
		}
		delete(w.index, *k)
		k.flags |= report.FlagNetworkChanged
		w.rows[i].counter.Flags = k.flags
		// otherwise two rows have the same key now, and counters adds them up
		if _, ok := w.index[*k]; !ok {
			w.index[*k] = uint32(i)
		}
	}
	for i := range w.samples {
		w.samples[i].record.Flags |= report.FlagNetworkChanged
	}
}
