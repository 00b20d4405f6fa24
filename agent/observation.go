package agent

import (
	"net/netip"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/privacy/scrub"
	"github.com/heliograph-net/heliograph/report"
)

// Observation is one request that has ended. Strings longer than the limits of package report are
// cut. The agent keeps no reference to the strings.
type Observation struct {
	Scheme   string         // "https"
	Host     string         // host or host:port, as in the URL
	Outcome  report.Outcome // an invalid one counts as report.Unknown
	Protocol string         // ALPN id: "h2", "http/1.1"; "" when unknown
	Server   netip.AddrPort // that was tried last; invalid when unknown
	Status   uint16         // HTTP status, 0: none
	Flags    report.Flags

	// Count is how many such requests there were; 0 means one, above report.MaxCount counts as
	// that. Several at once never become a sample.
	Count uint64

	// Start is when the request began. One that began before consent is not recorded.
	// Zero: not told.
	Start time.Time

	// What follows is for a sample, which only a failure under report.Diagnostics may become.

	Elapsed time.Duration // from Start to the end
	Method  string
	URL     string   // any; scrubbed by scrub.URL before it is kept
	TraceID [16]byte // W3C trace context, all zero: none
}

// key is what o is counted by.
func (o *Observation) key() key {
	return key{
		scheme: cut(o.Scheme), host: cut(o.Host), protocol: cut(o.Protocol),
		outcome: o.Outcome, server: o.Server, status: o.Status, flags: o.Flags,
	}
}

// count is how many requests o stands for.
func (o *Observation) count() uint64 { return min(max(o.Count, 1), report.MaxCount) }

func cut(s string) string {
	if len(s) > report.MaxString {
		return s[:report.MaxString]
	}
	return s
}

// sample is o in detail. It shares no memory with o.
func (o *Observation) sample() sample {
	at := time.Now()
	if !o.Start.IsZero() {
		at = o.Start.Add(max(o.Elapsed, 0))
	}
	outcome := o.Outcome
	if !outcome.Valid() {
		outcome = report.Unknown
	}
	return sample{at: at, record: report.Sample{
		URL:       text(scrub.URL(o.URL), report.MaxURL),
		Method:    strings.Clone(text(o.Method, report.MaxString)),
		Outcome:   report.Outcome(strings.Clone(string(outcome))),
		Phase:     outcome.Phase(),
		Protocol:  strings.Clone(text(o.Protocol, report.MaxString)),
		Server:    server(o.Server),
		Status:    min(o.Status, report.MaxStatus),
		ElapsedMS: min(uint64(max(o.Elapsed, 0).Milliseconds()), report.MaxAge),
		TraceID:   o.TraceID,
		Flags:     o.Flags,
	}}
}

// Recording reports whether Observe would count a request now. Whoever watches requests may spare
// itself the trouble if not.
func (a *Agent) Recording() bool { return report.Consent(a.level.Load()) != report.Off }

// Observe counts one request, or Count like ones. It takes no longer than a lock and a map access
// when the request succeeded, allocates only for what it sees for the first time in a window, never
// blocks on anything slower and never panics. It does nothing without consent.
func (a *Agent) Observe(o Observation) {
	if !a.Recording() {
		return
	}
	defer a.caught()
	w, place := a.count(&o)
	if place >= 0 {
		a.fill(w, place, o.sample()) // scrubbing takes its time, so it is done outside of the lock
	}
}

// count adds o to the open window. When o is to become a sample it returns the window and the
// sample's place there, else -1.
func (a *Agent) count(o *Observation) (*window, int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	level := report.Consent(a.level.Load())
	if level == report.Off || (!o.Start.IsZero() && o.Start.Before(a.since)) {
		return nil, -1
	}
	w := a.begun(level)
	n := o.count()
	a.stats.Observed += n
	w.add(o.key(), n)
	if w.level < report.Diagnostics || o.Outcome == report.OK || n > 1 {
		return nil, -1
	}
	return w, w.admit(a.rand.Uint64N)
}

// begun returns the open window, which begins now if it has not yet. The caller holds mu.
func (a *Agent) begun(level report.Consent) *window {
	if a.window.start.IsZero() {
		a.window.start, a.window.level = time.Now(), level
		signal(a.opened)
	}
	return a.window
}

// fill puts a sample into its place, unless the window has ended or lost its samples meanwhile.
func (a *Agent) fill(w *window, place int, s sample) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.window == w && place < len(w.samples) {
		// the network changed while it was being filled
		s.record.Flags |= w.samples[place].record.Flags
		w.samples[place] = s
	}
}

// signal wakes whoever waits for c, a channel of capacity 1.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
