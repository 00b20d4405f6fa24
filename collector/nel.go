package collector

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"net/url"
	"strconv"

	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/report"
)

// nelReport is one network error report, scrubbed: nothing else of what the browser sent is kept.
type nelReport struct {
	age        uint64 // ms from the request's end to the upload, at most report.MaxAge
	sampledPPM uint32 // 1 to report.FullPPM
	userAgent  userAgent
	url        string // scrubbed
	counter    report.Counter
	phase      report.Phase
	method     string
	elapsed    uint64 // ms
}

// rawReport is a report as browsers send it (Reporting API, section 3.4). What is not named here is not decoded.
type rawReport struct {
	Age       float64         `json:"age"`
	Type      string          `json:"type"`
	URL       string          `json:"url"`
	UserAgent string          `json:"user_agent"`
	Body      json.RawMessage `json:"body"`
}

// rawBody is the body of a network error report (Network Error Logging, section 5.4), without its referrer.
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

// typeLabels are the report types that the metrics tell apart; all others are "other".
var typeLabels = map[string]bool{
	typeNEL: true, "csp-violation": true, "deprecation": true, "intervention": true, "crash": true, "coep": true, "coop": true,
	"document-policy-violation": true, "permissions-policy-violation": true, "integrity-violation": true,
}

const typeNEL = "network-error"

// decodeReports reads an upload, counts its reports by type and returns those that are kept. An error means that the body is no JSON
// array; a report that is merely wrong in itself is dropped and counted.
func (c *Collector) decodeReports(body []byte, keepServer bool) ([]nelReport, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil {
		return nil, jsonError(err)
	} else if t != json.Delim('[') {
		return nil, errors.New("it is not an array")
	}
	var kept []nelReport
	for n := 0; d.More(); n++ {
		var item json.RawMessage
		if err := d.Decode(&item); err != nil {
			return nil, jsonError(err)
		}
		if n >= MaxReports {
			c.drop(dropOverflow, 1)
			continue
		}
		if r, reason := c.decodeReport(item, keepServer); reason != "" {
			c.drop(reason, 1)
		} else {
			kept = append(kept, r)
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, jsonError(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the array")
	}
	return kept, nil
}

// jsonError says where the JSON breaks, and nothing of what it says.
func jsonError(err error) error {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("malformed JSON at byte %d", e.Offset)
	}
	return errors.New("malformed JSON: it ends too early")
}

// decodeReport returns a report, or a reason to drop it.
func (c *Collector) decodeReport(item json.RawMessage, keepServer bool) (nelReport, string) {
	var raw rawReport
	err := json.Unmarshal(item, &raw)
	label := "other"
	if typeLabels[raw.Type] {
		label = raw.Type
	}
	c.metrics.reports.WithLabelValues(label).Inc()
	if err == nil && raw.Type != typeNEL {
		return nelReport{}, dropType
	}
	var body rawBody
	if err != nil || json.Unmarshal(raw.Body, &body) != nil {
		return nelReport{}, dropInvalid
	}
	r, ok := scrub(&raw, &body, keepServer)
	if !ok {
		return nelReport{}, dropInvalid
	}
	return r, ""
}

// scrub keeps what may be kept of a report. It reports false for one that breaks the rules: a negative age, a fraction that is zero or
// less (or missing), an outcome or URL that cannot be.
func scrub(raw *rawReport, body *rawBody, keepServer bool) (nelReport, bool) {
	if raw.Age < 0 || body.SamplingFraction <= 0 || !report.Outcome(body.Type).Valid() {
		return nelReport{}, false
	}
	r := nelReport{
		age:        uint64(clamp(raw.Age, report.MaxAge)),
		sampledPPM: max(1, uint32(math.Round(min(body.SamplingFraction, 1)*report.FullPPM))),
		userAgent:  parseUserAgent(raw.UserAgent),
		url:        privacy.ScrubURL(raw.URL),
		method:     knownMethod(body.Method),
		elapsed:    uint64(clamp(body.ElapsedTime, report.MaxAge)),
		counter:    report.Counter{Outcome: report.Outcome(body.Type), Status: status(body.StatusCode), Count: 1},
	}
	r.phase = phase(body.Phase, r.counter.Outcome)
	if r.phase == report.PhaseApplication { // before it none was agreed on: Chromium then says "http/1.1" of anything
		r.counter.Protocol = protocol(body.Protocol)
	}
	u, err := url.Parse(r.url)
	if err != nil || r.url == "" {
		return r, false
	}
	r.counter.Target = privacy.Target(u.Scheme, u.Host)
	if keepServer {
		r.counter.Server = server(body.ServerIP, u)
	}
	return r, r.counter.Target != ""
}

func clamp(v, most float64) float64 { return max(0, min(v, most)) }

func status(v float64) uint16 {
	if v < 0 || v > report.MaxStatus {
		return 0
	}
	return uint16(v)
}

// phase falls back to the one that the outcome belongs to: Chromium has phases of its own, "sxg" among them.
func phase(said string, o report.Outcome) report.Phase {
	switch p := report.Phase(said); p {
	case report.PhaseDNS, report.PhaseConnection, report.PhaseApplication:
		return p
	}
	return o.Phase()
}

// protocol keeps what can be an ALPN id, and nothing long enough to smuggle text.
func protocol(s string) string {
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
