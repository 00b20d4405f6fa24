package agent

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/scrub"
	"github.com/heliograph-net/heliograph/report"
)

// key is what requests are counted by. It is the raw form of report.Counter's key: making the
// strings of that costs more than a request that succeeded may cost, so it is done once, when the
// window ends.
type key struct {
	scheme, host, protocol string
	outcome                report.Outcome
	server                 netip.AddrPort
	status                 uint16
	flags                  report.Flags
}

// window is a stretch of time that is being counted. Agent.mu owns it while it is open; whoever
// takes it owns it afterwards.
type window struct {
	start    time.Time // zero: nothing observed yet, the window has not begun
	length   time.Duration
	level    report.Consent // the lowest that was in force since start
	index    map[key]uint32 // into keys and counts
	keys     []key
	counts   []uint64
	latest   int  // into keys and counts
	failed   bool // at least one request did not succeed
	overflow uint64

	failures   uint64 // that could have become samples, for the reservoir
	maxSamples int
	samples    []sample

	errors []*errorGroup // of the application, in the order in which they came
	panics int           // that were sealed at once
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

// add counts n requests of key k. Only a key's first request allocates.
func (w *window) add(k key, n uint64) {
	if k.outcome != report.OK {
		w.failed = true
	}
	// most requests are like the one before, and to compare is cheaper than to look up
	if w.latest < len(w.keys) && w.keys[w.latest] == k {
		w.counts[w.latest] += n
		return
	}
	// A map access that only reads leaves the map's own key alone. Assigning would put k's strings
	// there, and with them keep alive the application's whole URL.
	if i, ok := w.index[k]; ok {
		w.counts[i] += n
		w.latest = int(i)
		return
	}
	if !k.outcome.Valid() {
		k.outcome = report.Unknown
		w.add(k, n)
		return
	}
	if len(w.keys) == report.MaxCounters {
		w.overflow += n
		return
	}
	k.scheme, k.host = strings.Clone(k.scheme), strings.Clone(k.host)
	k.protocol, k.outcome = strings.Clone(k.protocol), report.Outcome(strings.Clone(string(k.outcome)))
	w.index[k] = uint32(len(w.keys))
	w.keys = append(w.keys, k)
	w.counts = append(w.counts, n)
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

// counters is what was counted, sorted, in the terms of package report.
func (w *window) counters() []report.Counter {
	counters := make([]report.Counter, 0, len(w.keys))
	for i, k := range w.keys {
		counters = append(counters, report.Counter{
			Target:   target(k.scheme, k.host),
			Outcome:  k.outcome,
			Protocol: text(k.protocol, report.MaxString),
			Server:   server(k.server),
			Status:   min(k.status, report.MaxStatus),
			Flags:    k.flags,
			Count:    min(w.counts[i], report.MaxCount),
		})
	}
	slices.SortFunc(counters, report.Counter.Compare)
	return merge(counters)
}

// merge adds up neighbours of one key: raw keys that were written differently, "Shop.example" and
// "shop.example:443".
func merge(counters []report.Counter) []report.Counter {
	out := counters[:0]
	for _, c := range counters {
		if n := len(out); n > 0 && out[n-1].Compare(c) == 0 {
			out[n-1].Count = min(out[n-1].Count+c.Count, report.MaxCount)
			continue
		}
		out = append(out, c)
	}
	return out
}

// invalidTarget stands for targets that are no origin, so that their requests still count.
const invalidTarget = "invalid"

func target(scheme, host string) string {
	if t := scrub.Target(scheme, host); t != "" {
		return t
	}
	return invalidTarget
}

// server writes an address without its zone, which would name the client's network interface.
func server(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port()).String()
}

// text cuts s to max bytes and to valid UTF-8.
func text(s string, max int) string {
	if len(s) > max {
		s = s[:max]
	}
	return strings.ToValidUTF8(s, "")
}
