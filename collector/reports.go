package collector

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Handling says what the collector does with browser reports of one type.
type Handling string

// The handlings. The zero value is not valid.
const (
	StoreReports  Handling = "store"  // count in browser_reports_total, scrub, seal and store
	CountReports  Handling = "count"  // only count
	IgnoreReports Handling = "ignore" // ignore silently
)

// reportTypes are the types of reports that settings and metrics distinguish, with the default
// handling of each. All other types count as typeOther.
var reportTypes = map[string]Handling{
	typeNEL: StoreReports, typeCrash: CountReports, typeDeprecation: CountReports, typeIntervention: CountReports, typeCSP: CountReports,
	"coep": CountReports, "coop": CountReports, "document-policy-violation": CountReports, "permissions-policy-violation": CountReports,
	"integrity-violation": CountReports, typeOther: CountReports,
}

const (
	typeNEL          = "network-error"
	typeCrash        = "crash"
	typeDeprecation  = "deprecation"
	typeIntervention = "intervention"
	typeCSP          = "csp-violation"
	typeOther        = "other"
)

// storable reports whether reports of a type can be stored. For other types there are no rules that
// say which parts may be.
func storable(reportType string) bool { return reportType == typeNEL || pageKinds[reportType] != 0 }

// CheckHandling returns all faults of a value for Settings.BrowserReports, joined.
func CheckHandling(byType map[string]Handling) error {
	var faults []error
	for _, t := range slices.Sorted(maps.Keys(byType)) {
		switch h := byType[t]; {
		case reportTypes[t] == "":
			faults = append(faults, fmt.Errorf("%s is not a type of report: give one of %s", t, strings.Join(slices.Sorted(maps.Keys(reportTypes)), ", ")))
		case h == StoreReports && !storable(t):
			faults = append(faults, fmt.Errorf("%s cannot be stored: give count or ignore", t))
		case h != StoreReports && h != CountReports && h != IgnoreReports:
			faults = append(faults, fmt.Errorf("%s: %q is neither store, count nor ignore", t, string(h)))
		}
	}
	return errors.Join(faults...)
}

// handling returns the handling of a type in reportTypes.
func (s *settings) handling(reportType string) Handling {
	if h := s.BrowserReports[reportType]; h != "" {
		return h
	}
	return reportTypes[reportType]
}

// rawReport is a report as browsers send it (Reporting API, section 3.4). Other fields are
// not decoded.
type rawReport struct {
	Age       float64         `json:"age"`
	Type      string          `json:"type"`
	URL       string          `json:"url"`
	UserAgent string          `json:"user_agent"`
	Body      json.RawMessage `json:"body"`

	page *rawPageBody // the body if it has already been decoded
}

// keptReports has the scrubbed reports of one upload.
type keptReports struct {
	nel   []nelReport
	pages []pageReport
	// of the first report; all reports of an upload come from one browser, whatever they say
	userAgent userAgent
}

func (k *keptReports) len() int { return len(k.nel) + len(k.pages) }

// decode decodes an upload in either format.
func (b *browser) decode(s *settings, body []byte, legacy bool, userAgent string) (*keptReports, error) {
	if legacy {
		return b.decodeLegacyCSP(s, body, userAgent)
	}
	return b.decodeReports(s, body)
}

// decodeReports decodes an upload, counts its reports by type and returns those to store. It
// returns an error if the body is not a JSON array. An invalid report in the array is dropped
// and counted.
func (b *browser) decodeReports(s *settings, body []byte) (*keptReports, error) {
	kept := new(keptReports)
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil {
		return nil, jsonError(err)
	} else if t != json.Delim('[') {
		return nil, errors.New("it is not an array")
	}
	for n := 0; d.More(); n++ {
		var item json.RawMessage
		if err := d.Decode(&item); err != nil {
			return nil, jsonError(err)
		}
		if n >= maxReports {
			b.drop(dropOverflow, 1)
			continue
		}
		var raw rawReport
		b.decodeReport(kept, s, &raw, json.Unmarshal(item, &raw))
	}
	if _, err := d.Token(); err != nil {
		return nil, jsonError(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the array")
	}
	return kept, nil
}

// jsonError says where the JSON is malformed, without quoting it.
func jsonError(err error) error {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("malformed JSON at byte %d", e.Offset)
	}
	return errors.New("malformed JSON: it ends too early")
}

// decodeReport adds a report to kept, or drops and counts it. err is the error of decoding it.
func (b *browser) decodeReport(kept *keptReports, s *settings, raw *rawReport, err error) {
	label := raw.Type
	if reportTypes[label] == "" {
		label = typeOther
	}
	h := s.handling(label)
	if h == IgnoreReports {
		return
	}
	b.metrics.reports.WithLabelValues(label).Inc()
	switch {
	case err != nil:
		b.drop(dropInvalid, 1)
	case h == CountReports:
		b.drop(dropType, 1)
	case !kept.add(raw, s.KeepServerAddress):
		b.drop(dropInvalid, 1)
	}
}

// add scrubs a report of a storable type and adds it. It returns false if the report is invalid
// for its type.
func (k *keptReports) add(raw *rawReport, keepServer bool) bool {
	kept := false
	if raw.Type == typeNEL {
		kept = k.addNEL(raw, keepServer)
	} else {
		kept = k.addPage(raw)
	}
	if kept && k.len() == 1 {
		k.userAgent = parseUserAgent(raw.UserAgent)
	}
	return kept
}

func (k *keptReports) addNEL(raw *rawReport, keepServer bool) bool {
	var body rawBody
	if json.Unmarshal(raw.Body, &body) != nil {
		return false
	}
	r, ok := scrubNEL(raw, &body, keepServer)
	if ok {
		k.nel = append(k.nel, r)
	}
	return ok
}

func (k *keptReports) addPage(raw *rawReport) bool {
	if raw.page == nil && json.Unmarshal(raw.Body, &raw.page) != nil || raw.page == nil {
		return false
	}
	p, ok := scrubPage(raw)
	if ok {
		k.pages = append(k.pages, p)
	}
	return ok
}
