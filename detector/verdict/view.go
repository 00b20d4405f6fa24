package verdict

import (
	"slices"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Most of these constants mean "most of them". The others are choices of when to act. None was
// fitted to data.
const (
	most = 0.5 // of the failures, the clients or the vantages

	// clients of one source that are suspect if the source's usual number is unknown
	crowd = 8
	surge = 4 // multiple of its usual requests at which a source is suspect
	// ratio of failed to expected requests from which on other sources confirm a fault
	confirmed = 1.5
	// share of the clients of the same networks that may have failing connections of their own
	few      = 0.2
	hijack   = 0.1 // share of changed addresses that explains certificates that do not fit
	vantages = 2   // least number of vantages that must agree, each in a network of its own
)

// view is the facts and what follows from them.
type view struct {
	*Facts
	excess float64 // of all outcomes

	// What the vantages outside of the scope's networks find. Only a vantage that reached or missed
	// a server counts, and at most one per network.

	witnesses int // vantages that count
	someDown  int // of these, the ones that find servers down
	allDown   int // of these, the ones that find all servers down
	insideOf  int // vantages within the scope's networks that find servers down

	judged  int // witnesses that have judged since the failures began
	upNow   int // of these, the ones that find no server down
	pending int // vantages elsewhere that have not judged since then
}

func newView(f *Facts) *view {
	v := &view{Facts: f}
	for _, o := range f.Outcomes {
		v.excess += max(o.Excess, 0)
	}
	seen := make(map[uint32]bool)
	for _, p := range f.Vantages {
		switch {
		case p.Up+p.Down == 0:
			v.pending++
		case slices.Contains(f.Scope.ASNs, p.ASN):
			if p.Down > 0 {
				v.insideOf++
			}
		case p.ASN == 0 || !seen[p.ASN]:
			seen[p.ASN] = true
			v.witnesses++
			switch {
			case p.Before:
				v.pending++
			case p.Down == 0:
				v.judged++
				v.upNow++
			default:
				v.judged++
			}
			if p.Down > 0 {
				v.someDown++
			}
			if p.Up == 0 {
				v.allDown++
			}
		}
	}
	return v
}

// mostly is the share of the failures from which on a scope tells who is hit, and not only of whom
// enough is known to say so.
const mostly = 0.8

// partly reports whether others are hit than the scope names.
func (v *view) partly() bool { return v.Covered > 0 && v.Covered < mostly && !v.Scope.Everyone() }

// soFar begins a sentence about who is hit: "only", or "so far only" where more reports may change
// it. Inside of a wider incident others are hit, too.
func (v *view) soFar() string {
	if v.Wider {
		return "nearly all"
	}
	if v.Early || v.partly() {
		return "so far only"
	}
	return "only"
}

// share returns the share of the excess that has an outcome with one of the prefixes.
func (v *view) share(prefixes ...report.Outcome) float64 {
	sum := 0.0
	for _, o := range v.Outcomes {
		if slices.ContainsFunc(prefixes, func(p report.Outcome) bool { return o.Outcome.Under(p) }) {
			sum += max(o.Excess, 0)
		}
	}
	return sum / max(v.excess, 1e-9)
}

// agree reports whether enough vantages elsewhere say the same.
func (v *view) agree(n int) bool { return n >= vantages && float64(n) > most*float64(v.witnesses) }

// probesDown reports whether probers elsewhere find servers of the scope down, and these are where
// requests fail: another fault may have servers down meanwhile, or where a part of all requests
// fails, a few servers by chance.
func (v *view) probesDown() bool { return v.agree(v.someDown) && v.AtUp <= most }

func (v *view) forged() bool {
	r := &v.Reporters
	odd := r.Surge >= surge || r.Fresh >= most || r.Surge == 0 && r.Tokens >= crowd
	return r.Sources > 0 && r.Loudest >= most && odd && !v.confirmed() && !v.probesDown()
}

// confirmed reports whether other sources within the scope report the same fault.
func (v *view) confirmed() bool {
	o := v.Reporters.Others
	return o.excess() >= max(v.NeededExcess, 1) && o.Failed >= confirmed*o.Expected
}

func (v *view) collectorPath() bool {
	return v.Delivery || len(v.Scope.Collectors) > 0 && len(v.Scope.Servers)+len(v.Scope.Protocols) == 0 && !v.Scope.network() && !v.Scope.release()
}

func (v *view) lastMile() bool {
	c := &v.Clients
	fails := c.Targets > 1 && c.Everywhere >= most && c.Recovered >= most && !v.probesDown()
	scattered := c.Active > 0 && float64(v.Breadth.Clients) < few*float64(c.Active)
	return fails && (c.Offline >= most || scattered) && (v.Scope.Everyone() || len(v.missing()) > 0)
}

// Probers confirm that servers are down, but not that they are slow.
func (v *view) tooThin() bool { return len(v.missing()) > 0 && (v.slow() || !v.probesDown()) }

func (v *view) slow() bool { return v.share(model.Slow) >= most }

func (v *view) release() bool { return v.Scope.release() }

func (v *view) dns() bool {
	return v.share("dns") >= most || v.hijacked() || v.share(report.DNSAddressChanged, report.DNSAnswerUnexpected) >= hijack && v.share("dns", "tls") >= most
}

// hijacked reports whether clients of some networks or countries are sent to servers to which
// nobody else's requests go.
func (v *view) hijacked() bool { return v.Strange >= most && v.Scope.network() }

// redirected reports whether most of what counts as failures is requests that succeed at such
// servers.
func (v *view) redirected() bool { return v.Redirected >= most }

func (v *view) certificate() bool { return v.share("tls.cert") >= most && !v.Scope.network() }

func (v *view) protocol() bool { return len(v.Scope.Protocols) > 0 || v.failing() != nil }

// transport is a protocol with the outcomes that only it has.
type transport struct {
	name     string
	outcomes []report.Outcome
}

var transports = []transport{{"HTTP/2", []report.Outcome{"h2"}}, {"HTTP/3 and UDP", []report.Outcome{"h3", "udp"}}}

// failing returns the protocol that has most failures, and otherwise nil. Where several fail, as in
// a network that breaks down, none of them is the cause.
func (v *view) failing() *transport {
	for i := range transports {
		if v.share(transports[i].outcomes...) >= most {
			return &transports[i]
		}
	}
	return nil
}

func (v *view) serverGroup() bool {
	switch {
	case len(v.Scope.Servers) > 0:
		return !v.Scope.network() || v.probesDown()
	default:
		return v.probesDown() && !v.agree(v.allDown)
	}
}

func (v *view) networkPath() bool { return v.Scope.network() && !v.agree(v.allDown) }

// named returns the scope to name with a verdict. Forged reports may be about anybody, so their
// sources are named.
func (v *view) named(verdict model.Verdict) Scope {
	if verdict == model.Forged {
		return Scope{ASNs: slices.Sorted(slices.Values(v.Reporters.ASNs))}
	}
	return v.Scope
}
