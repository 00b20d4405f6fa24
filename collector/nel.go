package collector

import (
	"math"
	"net/netip"
	"net/url"
	"strconv"

	"github.com/heliograph-net/heliograph/privacy/scrub"
	"github.com/heliograph-net/heliograph/report"
)

// nelReport is one network error report, scrubbed: nothing else of what the browser sent is kept.
type nelReport struct {
	age        uint64 // ms from the request's end to the upload, at most report.MaxAge
	sampledPPM uint32 // 1 to report.FullPPM
	url        string // scrubbed
	counter    report.Counter
	phase      report.Phase
	method     string
	elapsed    uint64 // ms
}

// rawBody is the body of a network error report (Network Error Logging, section 5.4), without
// its referrer.
type rawBody struct {
	SamplingFraction float64 `json:"sampling_fraction"`
	ElapsedTime      float64 `json:"elapsed_time"`
	Phase            string  `json:"phase"`
	Type             string  `json:"type"`
	ServerIP         string  `json:"server_ip"`
	Protocol         string  `json:"protocol"`
	Method           string  `json:"method"`
	StatusCode       float64 `json:"status_code"`
}

// scrubNEL keeps what may be kept of a report. It reports false for one that breaks the rules: a
// negative age, a fraction that is zero or less (or missing), an outcome or URL that cannot be.
func scrubNEL(raw *rawReport, body *rawBody, keepServer bool) (nelReport, bool) {
	if raw.Age < 0 || body.SamplingFraction <= 0 || !requestOutcome(report.Outcome(body.Type)) {
		return nelReport{}, false
	}
	r := nelReport{
		age:        uint64(clamp(raw.Age, report.MaxAge)),
		sampledPPM: max(1, uint32(math.Round(min(body.SamplingFraction, 1)*report.FullPPM))),
		url:        scrub.URL(raw.URL),
		method:     knownMethod(body.Method),
		elapsed:    uint64(clamp(body.ElapsedTime, report.MaxAge)),
		counter:    report.Counter{Outcome: report.Outcome(body.Type), Status: status(body.StatusCode), Count: 1},
	}
	r.phase = phase(body.Phase, r.counter.Outcome)
	if succeededElsewhere(&r) {
		r.counter.Outcome, r.phase = report.OK, report.PhaseApplication
	}
	// before it none was agreed on: Chromium then says "http/1.1" of anything
	if r.phase == report.PhaseApplication {
		r.counter.Protocol = alpn(body.Protocol)
	}
	u, err := url.Parse(r.url)
	if err != nil || r.url == "" {
		return r, false
	}
	r.counter.Target = scrub.Target(u.Scheme, u.Host)
	if keepServer {
		r.counter.Server = server(body.ServerIP, u)
	}
	return r, r.counter.Target != ""
}

// requestOutcome says whether o may stand with a request: not what is of the application or of a
// page alone.
func requestOutcome(o report.Outcome) bool {
	return o.Valid() && !o.Under("app") && !o.Under("browser")
}

// succeededElsewhere tells requests that another address than the policy's answered from those that
// failed there. Of both the browser says "dns.address_changed" and no status (Network Error
// Logging, section 4.5), so that only the fraction is left: failures are reported with the
// failure_fraction, which is 1 unless somebody chose otherwise. Without this rule a service of many
// addresses would seem to fail all the time. An HTTP error from such an address passes for an
// answer: Chromium decides on the fraction after it has forgotten the status.
func succeededElsewhere(r *nelReport) bool {
	return r.counter.Outcome == report.DNSAddressChanged && r.sampledPPM < report.FullPPM
}

func clamp(v, most float64) float64 { return max(0, min(v, most)) }

func status(v float64) uint16 {
	if v < 0 || v > report.MaxStatus {
		return 0
	}
	return uint16(v)
}

// phase falls back to the one that the outcome belongs to: Chromium has phases of its own, "sxg"
// among them.
func phase(said string, o report.Outcome) report.Phase {
	switch p := report.Phase(said); p {
	case report.PhaseDNS, report.PhaseConnection, report.PhaseApplication:
		return p
	}
	return o.Phase()
}

// alpn keeps what can be an ALPN id, and nothing long enough to smuggle text.
func alpn(s string) string {
	if len(s) > 16 {
		return ""
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '/', c == '.', c == '-':
		default:
			return ""
		}
	}
	return s
}

func knownMethod(s string) string {
	switch s {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE":
		return s
	}
	return ""
}

// server is the address that the browser connected to, with the URL's port.
func server(ip string, u *url.URL) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	port := uint64(443)
	if u.Scheme == "http" || u.Scheme == "ws" {
		port = 80
	}
	if p := u.Port(); p != "" {
		if port, err = strconv.ParseUint(p, 10, 16); err != nil {
			return ""
		}
	}
	return netip.AddrPortFrom(addr.Unmap().WithZone(""), uint16(port)).String()
}
