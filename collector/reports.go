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

// Handling says what becomes of the reports of one type that browsers send by the W3C
// Reporting API.
type Handling string

// Ways of handling. The zero value is none of them.
const (
	StoreReports  Handling = "store"  // counted in browser_reports_total, scrubbed, sealed and kept
	CountReports  Handling = "count"  // counted there, and no more
	IgnoreReports Handling = "ignore" // as if they had not come
)

// reportTypes are the types of reports that are told apart, in settings and in metrics, and what
// becomes of each unless Settings say otherwise. All that are not here are typeOther.
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

// storable says whether reports of a type can be kept: of all others nobody has decided what of
// them may be.
func storable(reportType string) bool { return reportType == typeNEL || pageKinds[reportType] != 0 }

// CheckHandling joins what is wrong with Settings.BrowserReports.
func CheckHandling(byType map[string]Handling) error {
	var faults []error
	for _, t := range slices.Sorted(maps.Keys(byType)) {
		switch h := byType[t]; {
		case reportTypes[t] == "":
			faults = append(faults, fmt.Errorf("%s is no type of report: give one of %s", t, strings.Join(slices.Sorted(maps.Keys(reportTypes)), ", ")))
		case h == StoreReports && !storable(t):
			faults = append(faults, fmt.Errorf("%s cannot be stored: give count or ignore", t))
		case h != StoreReports && h != CountReports && h != IgnoreReports:
			faults = append(faults, fmt.Errorf("%s: %q is neither store, count nor ignore", t, string(h)))
		}
	}
	return errors.Join(faults...)
}

// handling is what becomes of reports of a type of reportTypes.
func (s *settings) handling(reportType string) Handling {
	if h := s.BrowserReports[reportType]; h != "" {
		return h
	}
	return reportTypes[reportType]
}

// rawReport is a report as browsers send it (Reporting API, section 3.4). What is not named here is
// not decoded.
type rawReport struct {
	Age       float64         `json:"age"`
	Type      string          `json:"type"`
	URL       string          `json:"url"`
	UserAgent string          `json:"user_agent"`
	Body      json.RawMessage `json:"body"`

	page *rawPageBody // the body when it has been read already
}

// keptReports is what is kept of one upload.
type keptReports struct {
	nel   []nelReport
	pages []pageReport
	// of the first report that is kept: one upload comes from one browser, whatever its reports say
	userAgent userAgent
}

func (k *keptReports) len() int { return len(k.nel) + len(k.pages) }

// decode reads an upload of either format.
func (b *browser) decode(s *settings, body []byte, legacy bool, userAgent string) (*keptReports, error) {
	if legacy {
		return b.decodeLegacyCSP(s, body, userAgent)
	}
	return b.decodeReports(s, body)
}

// decodeReports reads an upload, counts its reports by type and returns those that are kept. An
// error means that the body is no JSON array; a report that is merely wrong in itself is dropped
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

// jsonError says where the JSON breaks, and nothing of what it says.
func jsonError(err error) error {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("malformed JSON at byte %d", e.Offset)
	}
	return errors.New("malformed JSON: it ends too early")
}

// decodeReport adds a report to those that are kept, or drops and counts it. err is that of
// reading it.
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

// add scrubs a report of a storable type and keeps it. It reports false for one that breaks the
// rules of its type.
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
