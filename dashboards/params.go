package dashboards

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/search"
	"github.com/heliograph-net/heliograph/report"
)

// maxText is the greatest length in bytes of a parameter that names something.
const maxText = report.MaxString

// maxQuery is the greatest length of a query string in bytes.
const maxQuery = 4096

// paramError says which parameter is invalid and which values it may have. Its text contains
// nothing that the client sent.
type paramError struct {
	name    string
	must    string
	allowed []string
}

func (e *paramError) Error() string {
	if len(e.allowed) == 0 {
		return e.name + " " + e.must
	}
	return e.name + " " + e.must + ": " + strings.Join(e.allowed, ", ")
}

// params reads the parameters of one request. It keeps the first error in err; values read after it
// are meaningless.
type params struct {
	values url.Values
	err    error
}

// paramsOf parses the query string, which may contain only the known parameters, each at most once.
func paramsOf(r *http.Request, known ...string) *params {
	p := &params{}
	if len(r.URL.RawQuery) > maxQuery {
		p.fail("query", fmt.Sprintf("must be at most %d bytes", maxQuery))
		return p
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		p.fail("query", "must be name=value pairs joined by &, percent-encoded")
		return p
	}
	p.values = values
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(known, name) {
			p.fail("query", "has a parameter that is not one of", known...)
		} else if len(values[name]) > 1 {
			p.fail(name, "must be given once")
		}
	}
	return p
}

func (p *params) fail(name, must string, allowed ...string) {
	if p.err == nil {
		p.err = &paramError{name: name, must: must, allowed: allowed}
	}
}

// text reads a parameter of at most limit bytes. It returns "" if the parameter is absent.
func (p *params) text(name string, limit int) string {
	v := p.values.Get(name)
	if len(v) > limit {
		p.fail(name, fmt.Sprintf("must be at most %d bytes", limit))
	}
	return v
}

// search reads a query of package search.
func (p *params) search(name string) string {
	v := p.values.Get(name)
	if _, err := search.Parse(v); err != nil {
		p.fail(name, strings.TrimPrefix(err.Error(), model.ErrQuery.Error()+": "))
	}
	return v
}

// span reads a positive duration of at most longest.
func (p *params) span(name string, absent, longest time.Duration) time.Duration {
	v := p.values.Get(name)
	if v == "" {
		return min(absent, longest)
	}
	d, err := api.ParseSpan(v)
	if err != nil || d <= 0 || d > longest {
		p.fail(name, fmt.Sprintf("must be a duration above 0 and at most %s, such as 90s, 15m, 24h or 7d", api.FormatSpan(longest)))
	}
	return d
}

// integer reads a whole number from least to most.
func (p *params) integer(name string, absent, least, most int) int {
	v := p.values.Get(name)
	if v == "" {
		return absent
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		p.fail(name, fmt.Sprintf("must be a whole number from %d to %d", least, most))
	}
	return n
}

// share reads a number between 0 and 1.
func (p *params) share(name string, absent float64) float64 {
	v := p.values.Get(name)
	if v == "" {
		return absent
	}
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || !(n > 0 && n < 1) {
		p.fail(name, "must be a number above 0 and below 1, such as 0.01")
	}
	return n
}

// oneOf reads one of the allowed words.
func (p *params) oneOf(name, absent string, allowed ...string) string {
	v := p.values.Get(name)
	if v == "" {
		return absent
	}
	if !slices.Contains(allowed, v) {
		p.fail(name, "must be one of", allowed...)
	}
	return v
}

// list reads a comma-separated list of allowed words without duplicates. It returns nil if the
// parameter is absent.
func (p *params) list(name string, allowed ...string) []string {
	v := p.values.Get(name)
	if v == "" {
		return nil
	}
	words := strings.Split(v, ",")
	for i, word := range words {
		if !slices.Contains(allowed, word) {
			p.fail(name, "must be a comma-separated list of", allowed...)
			return nil
		}
		if slices.Contains(words[:i], word) {
			p.fail(name, "must not name anything twice; it may have", allowed...)
			return nil
		}
	}
	return words
}

// outcome reads an outcome or the first words of one. It returns "" if the parameter is absent.
func (p *params) outcome(name string) report.Outcome {
	outcome := report.Outcome(p.text(name, report.MaxOutcome))
	if outcome != "" && !outcome.Valid() {
		p.fail(name, "must be an outcome such as tcp.reset, or the first words of one such as tls.cert")
	}
	return outcome
}

// where reads which requests are selected by where they came from and went to.
func (p *params) where() (s model.Scope) {
	if p.values.Get("asn") != "" {
		s.ASNs = []uint32{uint32(p.integer("asn", 0, 0, math.MaxUint32))}
	}
	for name, list := range map[string]*[]string{"country": &s.Countries, "server": &s.Servers, "protocol": &s.Protocols} {
		if v := p.text(name, maxText); v != "" {
			*list = []string{v}
		}
	}
	return s
}

// sources are the sources of requests, by their names.
var sources = []report.Source{report.SourceAgent, report.SourceBrowser}

// picked reads which requests are selected by application, status and source.
func (p *params) picked() (key model.Series, by model.Dimensions) {
	if key.App = p.text("app", report.MaxString); key.App != "" {
		by |= model.DimensionsOf(model.ByApp)
	}
	if p.values.Get("status") != "" {
		by |= model.DimensionsOf(model.ByStatus)
		key.Status = uint16(p.integer("status", 0, 0, report.MaxStatus))
	}
	names := make([]string, len(sources))
	for i, source := range sources {
		names[i] = source.String()
	}
	if at := slices.Index(names, p.oneOf("source", "", names...)); at >= 0 {
		by |= model.DimensionsOf(model.BySource)
		key.Source = sources[at]
	}
	return key, by
}

// dimensions reads a list of dimensions. It returns the empty set if the parameter is absent.
func (p *params) dimensions(name string) (by model.Dimensions) {
	for _, word := range p.list(name, model.AllDimensions.Names()...) {
		if d, err := model.ParseDimension(word); err == nil { // list accepts no other words
			by |= model.DimensionsOf(d)
		}
	}
	return by
}

// sections reads a list of sections and returns them in the order of all sections. It returns all
// of them if the parameter is absent.
func (p *params) sections(name string) (wanted []api.Section) {
	all := make([]string, len(sections))
	for i, s := range sections {
		all[i] = string(s.name)
	}
	words := p.list(name, all...)
	for _, s := range sections {
		if len(words) == 0 || slices.Contains(words, string(s.name)) {
			wanted = append(wanted, s.name)
		}
	}
	return wanted
}
