package agent

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/heliograph-net/heliograph/privacy/scrub"
	"github.com/heliograph-net/heliograph/report"
)

// counter returns n requests with key k as a report.Counter.
func (k key) counter(n uint64) report.Counter {
	return report.Counter{
		Target:   target(k.scheme, k.host),
		Outcome:  k.outcome,
		Protocol: text(k.protocol, report.MaxString),
		Server:   server(k.server),
		Status:   min(k.status, report.MaxStatus),
		Flags:    k.flags,
		Count:    n,
	}
}

// counters returns the counts in the form of a report.Window: sorted, and without duplicate keys.
func (w *window) counters() []report.Counter {
	counters := make([]report.Counter, 0, len(w.rows))
	for i := range w.rows {
		c := w.rows[i].counter
		c.Count = min(c.Count, report.MaxCount)
		counters = append(counters, c)
	}
	slices.SortFunc(counters, report.Counter.Compare)
	return merge(counters)
}

// merge adds up neighbours that are the same to package report although the application wrote their
// keys differently, such as "Shop.example" and "shop.example:443".
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

// invalidTarget stands for targets that are not origins, so that their requests still count.
const invalidTarget = "invalid"

func target(scheme, host string) string {
	if t := scrub.Target(scheme, host); t != "" {
		return t
	}
	return invalidTarget
}

// server formats an address without its zone, which would reveal the client's network interface.
func server(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port()).String()
}

// text returns s as valid UTF-8 of at most max bytes.
func text(s string, max int) string {
	if len(s) > max {
		s = s[:max]
	}
	return strings.ToValidUTF8(s, "")
}
