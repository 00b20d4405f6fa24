package collector

import (
	"encoding/json"
	"errors"
	"strings"
)

// typeLegacyCSP is the media type that browsers send to the report-uri of a content security
// policy: one report, without an array and without a preflight. The directive is deprecated in
// favour of report-to, but it is the only one that all browsers support.
const typeLegacyCSP = "application/csp-report"

// rawLegacyCSP is such an upload (Content Security Policy Level 3, section 5.3). Other fields are
// not decoded.
type rawLegacyCSP struct {
	Report *struct {
		DocumentURI        string  `json:"document-uri"`
		EffectiveDirective string  `json:"effective-directive"`
		ViolatedDirective  string  `json:"violated-directive"`
		BlockedURI         string  `json:"blocked-uri"`
		Disposition        string  `json:"disposition"`
		SourceFile         string  `json:"source-file"`
		Line               float64 `json:"line-number"`
	} `json:"csp-report"`
}

// decodeLegacyCSP is decodeReports for that format. Such a report has no age, because browsers send
// it at once.
func (b *browser) decodeLegacyCSP(s *settings, body []byte, userAgent string) (*keptReports, error) {
	var in rawLegacyCSP
	err := json.Unmarshal(body, &in)
	if _, syntax := errors.AsType[*json.SyntaxError](err); syntax {
		return nil, jsonError(err)
	}
	raw := rawReport{Type: typeCSP, UserAgent: userAgent}
	if r := in.Report; r != nil {
		raw.URL = r.DocumentURI
		directive := r.EffectiveDirective
		if directive == "" { // older browsers tell the directive of the policy with its sources
			directive, _, _ = strings.Cut(strings.TrimSpace(r.ViolatedDirective), " ")
		}
		raw.page = &rawPageBody{EffectiveDirective: directive, BlockedURL: r.BlockedURI, Disposition: r.Disposition,
			SourceFile: r.SourceFile, Line: r.Line}
	}
	kept := new(keptReports)
	b.decodeReport(kept, s, &raw, err)
	return kept, nil
}
