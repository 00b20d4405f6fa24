package agent

import (
	"net/netip"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

// key is what the counters of a window are found by. It is as an Observation has it: making the
// strings of a report.Counter costs more than a request that succeeded may cost, so that is done
// once for each key.
type key struct {
	scheme, host, protocol string
	outcome                report.Outcome
	server                 netip.AddrPort
	status                 uint16
	flags                  report.Flags
}

// row is one counter of a window and the key that it is found by.
type row struct {
	key     key
	counter report.Counter // its Count may exceed report.MaxCount
}

// window is an interval that is being counted. The recorder's lock owns it while it is open;
// whoever takes it owns it afterwards.
type window struct {
	start    time.Time // zero: nothing observed yet, the window has not begun
	length   time.Duration
	early    time.Time      // when it ends before its time; zero: it does not
	level    report.Consent // the lowest that was in force since start
	index    map[key]uint32 // into rows
	rows     []row
	latest   int    // into rows
	failed   bool   // at least one request did not succeed
	overflow uint64 // requests and errors that found no room

	failures   uint64 // that could have become samples, for the reservoir
	maxSamples int
	samples    []sample

	errors []*errorGroup // of the application, in the order in which they came
}

// sample is a report.Sample whose time is not relative yet. It is empty, url and all, until its
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

// left is how long the window, which has begun, still lasts.
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

// add counts n requests of key k. Only a key's first request allocates.
func (w *window) add(k key, n uint64) {
	if k.outcome != report.OK {
		w.failed = true
	}
	// most requests are like the one before, and to compare is cheaper than to look up
	if w.latest < len(w.rows) && w.rows[w.latest].key == k {
		w.rows[w.latest].counter.Count += n
		return
	}
	// A map access that only reads leaves the map's own key alone. Assigning would put k's strings
	// there, and with them keep alive the application's whole URL.
	if i, ok := w.index[k]; ok {
		w.rows[i].counter.Count += n
		w.latest = int(i)
		return
	}
	if !k.outcome.Valid() {
		k.outcome = report.Unknown
		w.add(k, n)
		return
	}
	if len(w.rows) == report.MaxCounters {
		w.overflow += n
		return
	}
	k = k.clone()
	w.index[k] = uint32(len(w.rows))
	w.rows = append(w.rows, row{k, k.counter(n)})
}

// clone is k without any of the application's memory.
func (k key) clone() key {
	k.scheme, k.host = strings.Clone(k.scheme), strings.Clone(k.host)
	k.protocol, k.outcome = strings.Clone(k.protocol), report.Outcome(strings.Clone(string(k.outcome)))
	return k
}

// lower takes from w what level does not cover, Counts at the least.
func (w *window) lower(level report.Consent) {
	w.level = level
	w.samples = nil
	w.dropDetails()
}

// admit decides whether the failure at hand becomes a sample, by reservoir sampling, so that all
// failures of the window are equally likely to. It returns the sample's place or -1. draw(n) is
// uniform in [0, n).
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
		if _, ok := w.index[*k]; !ok { // else two rows have one key now, which counters adds up
			w.index[*k] = uint32(i)
		}
	}
	for i := range w.samples {
		w.samples[i].record.Flags |= report.FlagNetworkChanged
	}
}
