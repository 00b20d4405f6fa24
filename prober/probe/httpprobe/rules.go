package httpprobe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/heliograph-net/heliograph/prober/probe/assert"
	"github.com/heliograph-net/heliograph/prober/probe/conn/httpconn"
	"github.com/heliograph-net/heliograph/prober/probe/match"
	"github.com/heliograph-net/heliograph/report"
)

// HeaderRule is a rule for one header of an answer.
type HeaderRule struct {
	Header       string `yaml:"header"`
	Regexp       string `yaml:"regexp"`
	AllowMissing bool   `yaml:"allow_missing"` // the rule does not fail if the header is missing
}

// versions maps the values of valid_http_versions to ALPN ids.
var versions = map[string]string{"HTTP/1.0": "http/1.0", "HTTP/1.1": "http/1.1", "HTTP/2": "h2", "HTTP/2.0": "h2", "HTTP/3.0": "h3"}

// rules are the compiled rules for an answer.
type rules struct {
	lowest, highest                int   // status
	codes                          []int // statuses instead of the range; nil: the range counts
	versions                       []string
	failIfSecured, failIfPlain     bool
	bodyMatches, bodyNotMatches    match.Patterns
	headerMatches, headerNotMatch  match.Patterns
	ofHeaderMatch, ofHeaderNoMatch []HeaderRule
	jsonMatches, jsonNotMatches    *assert.Rule // nil: there is none
}

// compile checks and compiles the rules in the options.
func (o *Options) compile() (r rules, err error) {
	r.lowest, r.highest = o.statuses()
	r.codes, r.failIfSecured, r.failIfPlain = o.ValidCodes, o.FailIfTLS, o.FailIfNotTLS
	r.ofHeaderMatch, r.ofHeaderNoMatch = o.FailIfHeaderMatches, o.FailIfHeaderNotMatches
	var faults [9]error
	if key, err := o.compileJSON(&r); err != nil {
		faults[8] = fmt.Errorf("%s: %w", key, err)
	}
	faults[7] = checkCompression(o.Compression)
	faults[0] = o.statusFault()
	r.bodyMatches, faults[1] = match.Compile("fail_if_body_matches_regexp", o.FailIfBodyMatches)
	r.bodyNotMatches, faults[2] = match.Compile("fail_if_body_not_matches_regexp", o.FailIfBodyNotMatches)
	r.headerMatches, faults[3] = compileHeaders("fail_if_header_matches", o.FailIfHeaderMatches)
	r.headerNotMatch, faults[4] = compileHeaders("fail_if_header_not_matches", o.FailIfHeaderNotMatches)
	for i, name := range o.ValidVersions {
		version, ok := versions[name]
		if !ok {
			faults[5] = fmt.Errorf("valid_http_versions[%d]: want HTTP/1.0, HTTP/1.1, HTTP/2.0 or HTTP/3.0", i)
		}
		r.versions = append(r.versions, version)
	}
	if o.FailIfTLS && o.FailIfNotTLS {
		faults[6] = errors.New("fail_if_ssl: give either this or fail_if_not_ssl, not both")
	}
	return r, errors.Join(faults[:]...)
}

func compileHeaders(key string, all []HeaderRule) (match.Patterns, error) {
	patterns := make([]string, len(all))
	for i, rule := range all {
		if rule.Header == "" {
			return nil, fmt.Errorf("%s[%d].header: missing", key, i)
		}
		patterns[i] = rule.Regexp
	}
	return match.Compile(key, patterns)
}

// compileJSON compiles the rules for a body in JSON.
func (o *Options) compileJSON(r *rules) (key string, err error) {
	for _, of := range []struct {
		key, text string
		rule      **assert.Rule
	}{{"fail_if_body_json_matches_cel", o.FailIfJSONMatches, &r.jsonMatches}, {"fail_if_body_json_not_matches_cel", o.FailIfJSONNotMatches, &r.jsonNotMatches}} {
		if of.text == "" {
			continue
		}
		if *of.rule, err = assert.CompileJSON(of.text); err != nil {
			return of.key, err
		}
	}
	return "", nil
}

// Check implements [probe.Checker].
func (o *Options) Check() (key string, err error) {
	if key, err := o.compileJSON(new(rules)); err != nil {
		return key, err
	}
	return o.Addresses.Check()
}

func (r *rules) wantBody() bool {
	return len(r.bodyMatches)+len(r.bodyNotMatches) > 0 || r.jsonMatches != nil || r.jsonNotMatches != nil
}

// judge returns the outcome that an answer stands for.
func (r *rules) judge(ctx context.Context, a *answer) report.Outcome {
	switch status := a.StatusCode; {
	case r.goodStatus(status):
	case status >= 400:
		return report.HTTPError
	default:
		return report.HTTPFailed // for example, an unexpected redirect
	}
	if len(r.versions) > 0 && !slices.Contains(r.versions, httpconn.Protocol(a.Response)) ||
		r.failIfSecured && a.secured || r.failIfPlain && !a.secured || !r.goodHeader(a.Header) || !r.goodBody(a.body) || !r.goodJSON(ctx, a.body) {
		return report.HTTPAnswerUnexpected
	}
	return report.OK
}

func (r *rules) goodStatus(status int) bool {
	if len(r.codes) > 0 {
		return slices.Contains(r.codes, status)
	}
	return status >= r.lowest && status <= r.highest
}

func (r *rules) goodBody(body []byte) bool {
	return !r.wantBody() || !r.bodyMatches.Any(string(body)) && r.bodyNotMatches.All(string(body))
}

// goodJSON reports whether the body complies with the rules for JSON. If there are any, a body that
// is not JSON does not, nor does one to which an expression cannot be applied.
func (r *rules) goodJSON(ctx context.Context, body []byte) bool {
	if r.jsonMatches == nil && r.jsonNotMatches == nil {
		return true
	}
	value, err := assert.ParseJSON(body)
	if err != nil {
		return false
	}
	variables := assert.Variables{"body": value}
	if r.jsonMatches != nil {
		if matches, err := r.jsonMatches.Holds(ctx, variables); err != nil || matches {
			return false
		}
	}
	if r.jsonNotMatches != nil {
		if matches, err := r.jsonNotMatches.Holds(ctx, variables); err != nil || !matches {
			return false
		}
	}
	return true
}

// goodHeader reports whether the headers comply with all rules. Rules apply to each line of a
// header separately.
func (r *rules) goodHeader(h http.Header) bool {
	for i, rule := range r.ofHeaderMatch {
		values := h.Values(rule.Header)
		if len(values) == 0 && !rule.AllowMissing || slices.ContainsFunc(values, r.headerMatches[i].MatchString) {
			return false
		}
	}
	for i, rule := range r.ofHeaderNoMatch {
		values := h.Values(rule.Header)
		if len(values) == 0 && !rule.AllowMissing || len(values) > 0 && !slices.ContainsFunc(values, r.headerNotMatch[i].MatchString) {
			return false
		}
	}
	return true
}
