// Package nel makes the headers by which a service asks browsers to send their own reports to
// collectors, as text and for web servers. Most readers need Headers and Write.
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

// Options say what browsers are asked for. Errors and advice name them like the flags of
// `heliograph headers`.
type Options struct {
	Group             string        // of Report-To, 1 to 64 of a-z A-Z 0-9 _ -
	MaxAge            time.Duration // how long browsers remember; whole seconds, at least one
	SuccessFraction   float64       // of the requests that succeed, 0 to 1
	FailureFraction   float64       // of those that fail, 0 to 1
	IncludeSubdomains bool          // failures of DNS of subdomains, too
	Reports           bool          // crash, deprecation, intervention and CSP reports, too
	Remove            bool          // browsers are to forget instead
}

// Header is a response header.
type Header struct{ Name, Value string }

// validate joins all faults.
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

// isFraction is false for what is no number, too.
func isFraction(f float64) bool { return f >= 0 && f <= 1 }

func isToken(s string) bool {
	if len(s) == 0 || len(s) > 64 {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}

// endpoints are the collectors that browsers can use, best first. They take https only.
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

// Headers are the headers for a policy's collectors, for every answer of the service over https.
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
	if o.Remove { // the removal must look like what is removed, but for its age
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
	if o.Reports && !o.Remove { // it holds for one page: without it nothing is left to forget
		headers = append(headers, Header{"Reporting-Endpoints", fmt.Sprintf(`default="%s%s"`, usable[0].URL, protocol.PathReports)})
	}
	return headers, nil
}

// Directives are what a Content-Security-Policy needs besides, so that violations are reported; ""
// when they are not asked for.
func Directives(collectors []policy.Collector, o Options) string {
	usable, err := endpoints(collectors)
	if !o.Reports || o.Remove || err != nil {
		return ""
	}
	return "report-to default; report-uri " + usable[0].URL + protocol.PathReports
}
