package agent

import (
	"net/netip"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/privacy/scrub"
	"github.com/heliograph-net/heliograph/report"
)

// Observation is one request that has ended, for [Agent.Observe]. Strings longer than the limits of
// package report are cut. The agent does not retain the strings.
type Observation struct {
	Scheme   string         // "https"
	Host     string         // host or host:port, as in the URL
	Outcome  report.Outcome // an invalid one counts as report.Unknown
	Protocol string         // ALPN id: "h2", "http/1.1"; "" if unknown
	Server   netip.AddrPort // the server that was tried last; invalid if unknown
	Status   uint16         // HTTP status, 0: none
	Flags    report.Flags

	// Count is how many such requests there were. 0 means one, and the maximum is report.MaxCount.
	// An Observation of several requests never becomes a sample.
	Count uint64

	// Start is when the request began. Requests that began before consent are not recorded.
	// Zero: unknown.
	Start time.Time

	// Elapsed is how long the request took: from Start to the head of the response, or until it
	// failed. It is counted in the window's [report.Histogram] of Host and Outcome, for as many
	// requests as Count says. 0: unknown, which is not counted.
	Elapsed time.Duration

	// The following fields are for samples. Only failures under [report.Diagnostics] can
	// become samples.

	Method  string
	URL     string   // any URL; scrub.URL scrubs it before it is stored
	TraceID [16]byte // W3C trace context, all zero: none
}

// key returns the key under which o is counted.
func (o *Observation) key() key {
	return key{
		scheme: cut(o.Scheme), host: cut(o.Host), protocol: cut(o.Protocol),
		outcome: o.Outcome, server: o.Server, status: o.Status, flags: o.Flags,
	}
}

// count returns the number of requests that o stands for.
func (o *Observation) count() uint64 { return min(max(o.Count, 1), report.MaxCount) }

func cut(s string) string {
	if len(s) > report.MaxString {
		return s[:report.MaxString]
	}
	return s
}

// sample returns o as a sample, which shares no memory with o.
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
