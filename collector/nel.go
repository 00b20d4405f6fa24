package collector

import (
	"math"
	"net/netip"
	"net/url"
	"strconv"

	"github.com/heliograph-net/heliograph/privacy/scrub"
	"github.com/heliograph-net/heliograph/report"
)

// nelReport is a scrubbed network error report. Nothing else that the browser sent is stored.
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

// scrubNEL returns the permitted part of a report. It returns false if the report is invalid: if
// its age is negative, its sampling fraction is missing or not positive, or its outcome or URL
// is impossible.
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
	// before that phase no protocol was negotiated, and Chromium always says "http/1.1"
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

// requestOutcome reports whether o can be the outcome of a request, and not of an application
// or a page.
func requestOutcome(o report.Outcome) bool {
	return o.Valid() && !o.Under("app") && !o.Under("browser")
}

// succeededElsewhere reports whether a request succeeded at another address than the one from which
// the browser got its NEL policy. For successes and failures at other addresses, browsers report
// "dns.address_changed" and no status (Network Error Logging, section 4.5). Only the sampling
// fraction tells them apart: failures are reported with the failure_fraction, which is 1 by
// default. Without this rule, a service with many addresses would seem to fail all the time. An
// HTTP error from such an address counts as success, because Chromium chooses the fraction after it
// has dropped the status.
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

// phase returns the phase that the browser reports, or that of the outcome if it is unknown.
// Chromium has phases of its own, such as "sxg".
func phase(said string, o report.Outcome) report.Phase {
	switch p := report.Phase(said); p {
	case report.PhaseDNS, report.PhaseConnection, report.PhaseApplication:
		return p
	}
	return o.Phase()
}

// alpn returns s if it can be an ALPN id, and otherwise "". Long texts could carry other data.
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

// server returns the address to which the browser connected, with the URL's port.
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
