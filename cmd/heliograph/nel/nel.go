// Package nel generates the headers with which a service asks browsers to send their own reports to
// collectors, as text and for web servers. Start with [Headers] and [Format].
package nel

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/policy"
)

// Options says what to ask browsers for. Errors and advice name the fields by the flags of
// "heliograph headers".
type Options struct {
	Group string // name in Report-To, 1 to 64 of a-z A-Z 0-9 _ -
	// how long browsers remember the headers; whole seconds, at least one
	MaxAge            time.Duration
	SuccessFraction   float64 // fraction of successful requests to report, 0 to 1
	FailureFraction   float64 // fraction of failed requests to report, 0 to 1
	IncludeSubdomains bool    // also report DNS failures of subdomains
	Reports           bool    // also send crash, deprecation, intervention and CSP reports
	Remove            bool    // ask browsers to forget the headers instead
}

// Header is a response header.
type Header struct{ Name, Value string }

// validate returns all faults, joined.
func (o *Options) validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !isToken(o.Group) {
		fault("--group: %q is not 1 to 64 of the characters a-z A-Z 0-9 _ -", o.Group)
	}
	if o.MaxAge < time.Second || o.MaxAge%time.Second != 0 {
		fault("--max-age: %v is not a number of whole seconds, at least one; to make browsers forget use --remove", o.MaxAge)
	}
	if !isFraction(o.SuccessFraction) {
		fault("--success-fraction: %v is not 0 to 1", o.SuccessFraction)
	}
	if !isFraction(o.FailureFraction) {
		fault("--failure-fraction: %v is not 0 to 1", o.FailureFraction)
	}
	return errors.Join(faults...)
}

// isFraction reports whether f is in 0 to 1. It returns false for NaN.
func isFraction(f float64) bool { return f >= 0 && f <= 1 }

func isToken(s string) bool {
	if len(s) == 0 || len(s) > 64 {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}

// endpoints returns the collectors that browsers can use, best first. Browsers use only https.
func endpoints(collectors []policy.Collector) (usable []policy.Collector, err error) {
	for _, c := range collectors {
		if !strings.HasPrefix(c.URL, "https://") {
			continue
		}
		if strings.ContainsFunc(c.URL, func(r rune) bool { return r > '~' }) {
			return nil, fmt.Errorf("collector %s: its URL has letters beyond ASCII, which a header cannot carry: write the host as xn--…", c.ID)
		}
		usable = append(usable, c)
	}
	if len(usable) == 0 {
		return nil, errors.New("the policy has no collector with an https URL, and browsers report to no other: give the collectors certificates (docs/collector.md)")
	}
	slices.SortStableFunc(usable, func(a, b policy.Collector) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), -cmp.Compare(a.Weight, b.Weight))
	})
	return usable, nil
}

// reportTo is the value of Report-To (Reporting API, 2018 draft, section 3.1).
type reportTo struct {
	Group             string     `json:"group"`
	MaxAge            int64      `json:"max_age"`
	IncludeSubdomains bool       `json:"include_subdomains,omitempty"`
	Endpoints         []endpoint `json:"endpoints"`
}

type endpoint struct {
	URL      string `json:"url"`
	Priority uint32 `json:"priority"` // lowest first
	Weight   uint32 `json:"weight"`   // within a priority
}

// nelPolicy is the value of NEL (Network Error Logging, section 4.1).
type nelPolicy struct {
	ReportTo          string   `json:"report_to"`
	MaxAge            int64    `json:"max_age"`
	IncludeSubdomains bool     `json:"include_subdomains,omitempty"`
	SuccessFraction   *float64 `json:"success_fraction,omitempty"`
	FailureFraction   *float64 `json:"failure_fraction,omitempty"`
}

// Headers returns the headers for the collectors of a policy. The service must send them in every
// answer over https.
func Headers(collectors []policy.Collector, o Options) ([]Header, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	usable, err := endpoints(collectors)
	if err != nil {
		return nil, err
	}
	to := reportTo{Group: o.Group, MaxAge: int64(o.MaxAge.Seconds()), IncludeSubdomains: o.IncludeSubdomains}
	log := nelPolicy{ReportTo: o.Group, MaxAge: to.MaxAge, IncludeSubdomains: o.IncludeSubdomains,
		SuccessFraction: &o.SuccessFraction, FailureFraction: &o.FailureFraction}
	for _, c := range usable {
		to.Endpoints = append(to.Endpoints, endpoint{c.URL + protocol.PathReports, c.Priority, c.Weight})
	}
	if o.Remove { // the removal must be the same except for its age
		to.MaxAge = 0
		log = nelPolicy{ReportTo: o.Group, IncludeSubdomains: o.IncludeSubdomains}
	}
	group, err := json.Marshal(to)
	if err != nil {
		return nil, err
	}
	request, err := json.Marshal(log)
	if err != nil {
		return nil, err
	}
	headers := []Header{{"Report-To", string(group)}, {"NEL", string(request)}}
	if o.Reports && !o.Remove { // it applies to one page only, so there is nothing to forget
		headers = append(headers, Header{"Reporting-Endpoints", fmt.Sprintf(`default="%s%s"`, usable[0].URL, protocol.PathReports)})
	}
	return headers, nil
}

// Directives returns what to add to a Content-Security-Policy so that violations are reported. It
// returns "" if o does not ask for these reports.
func Directives(collectors []policy.Collector, o Options) string {
	usable, err := endpoints(collectors)
	if !o.Reports || o.Remove || err != nil {
		return ""
	}
	return "report-to default; report-uri " + usable[0].URL + protocol.PathReports
}
