package collector

import (
	"crypto/sha256"
	"net/url"
	"strings"

	"github.com/heliograph-net/heliograph/privacy/scrub"
	"github.com/heliograph-net/heliograph/report"
)

// pageReport is a scrubbed report about a page rather than a request. Nothing else that the browser
// sent is stored.
type pageReport struct {
	age     uint64 // ms, at most report.MaxAge
	kind    report.ErrorKind
	name    string // the problem within its kind: "oom", "script-src-elem"
	target  string // origin of the page
	url     string // of the page, scrubbed
	message string // scrubbed
	file    string // base name of the script; may be empty
	line    uint32
	what    string // what else distinguishes problems: the blocked resource, or the script
}

// pageKinds are the types of reports about pages that can be stored.
var pageKinds = map[string]report.ErrorKind{
	typeCrash: report.KindCrash, typeDeprecation: report.KindDeprecation, typeIntervention: report.KindIntervention, typeCSP: report.KindCSPViolation,
}

// rawPageBody has the fields that are used in the bodies of deprecation, intervention and crash
// reports (the WICG drafts of these names) and of violations (Content Security Policy Level 3,
// section 5.3). Stacks, code samples, the policy and referrers are not decoded.
type rawPageBody struct {
	ID         string  `json:"id"`         // deprecation, intervention
	Message    string  `json:"message"`    // deprecation, intervention
	SourceFile string  `json:"sourceFile"` // all but crash
	Line       float64 `json:"lineNumber"` // all but crash
	Reason     string  `json:"reason"`     // crash: "oom", "unresponsive" or nothing

	EffectiveDirective string `json:"effectiveDirective"` // csp-violation, like the following
	BlockedURL         string `json:"blockedURL"`
	Disposition        string `json:"disposition"` // "enforce" or "report"
}

const (
	maxName     = 64 // bytes of a directive, a reason or the id of a deprecation or intervention
	crashReason = "unknown"

	blockedOther = "other" // stands for a blocked resource that must not be stored
)

// scrubPage returns the permitted part of a report. It returns false if the report is invalid: if
// its age is negative, its page is not on the web, or its name is missing or malformed.
func scrubPage(raw *rawReport) (pageReport, bool) {
	body := raw.page
	p := pageReport{age: uint64(clamp(raw.Age, report.MaxAge)), kind: pageKinds[raw.Type], url: scrub.URL(raw.URL)}
	p.target = originOf(p.url)
	switch p.kind {
	case report.KindCrash:
		if p.name = body.Reason; p.name == "" {
			p.name = crashReason
		}
	case report.KindCSPViolation:
		p.name, p.what = body.EffectiveDirective, blocked(body.BlockedURL)
		if p.message = "blocked " + p.what; body.Disposition == "report" {
			p.message = "would have blocked " + p.what
		}
	default:
		p.name, p.message = body.ID, scrubMessage(body.Message)
	}
	p.source(body)
	return p, raw.Age >= 0 && p.target != "" && isName(p.name)
}

// source records in which script it happened: the base name, and the origin if it is not
// the page's.
func (p *pageReport) source(body *rawPageBody) {
	script := scrub.URL(body.SourceFile)
	p.file = script[strings.LastIndexByte(script, '/')+1:]
	if len(p.file) > report.MaxString {
		p.file = ""
	}
	if p.file != "" {
		p.line = uint32(clamp(body.Line, report.MaxLine))
	}
	if p.what == "" {
		p.what = p.file
	}
	if from := originOf(script); from != "" && from != p.target {
		p.what += " " + from
		p.message = cut(p.message, report.MaxMessage-len(" (script of )")-len(from))
		p.message = strings.TrimSpace(p.message + " (script of " + from + ")")
	}
}

// isName reports whether s can be a keyword of the browser and not a text that may reveal something
// about the user.
func isName(s string) bool {
	if len(s) == 0 || len(s) > maxName {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// blocked returns the permitted part of a blocked URL: its origin, only its scheme if that is not
// of the web ("data"), or the keyword in place of a URL ("inline", "eval").
func blocked(s string) string {
	if o := originOf(scrub.URL(s)); o != "" {
		return o
	}
	if s, _, _ = strings.Cut(s, ":"); isName(s) {
		return strings.ToLower(s)
	}
	return blockedOther
}

func originOf(scrubbed string) string {
	u, err := url.Parse(scrubbed)
	if err != nil || scrubbed == "" {
		return ""
	}
	return scrub.Target(u.Scheme, u.Host)
}

// scrubMessage returns a browser's message, scrubbed. It first cuts off what is far beyond the
// limit, at the end of a word, because a part of a secret may not be recognized as one.
func scrubMessage(s string) string {
	const enough = 4 * report.MaxMessage
	if len(s) > enough {
		s = s[:max(strings.LastIndexAny(s[:enough], " \t\n"), 0)]
	}
	return cut(scrub.Text(s), report.MaxMessage)
}

// cut shortens valid UTF-8 to at most n bytes of valid UTF-8.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// fingerprint returns a hash that is the same for all reports of one problem on one site.
func (p *pageReport) fingerprint() (sum [16]byte) {
	h := sha256.New()
	h.Write([]byte{byte(p.kind)})
	for _, s := range []string{p.name, p.target, p.what} {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	copy(sum[:], h.Sum(nil))
	return sum
}

// maxPageErrors is how many problems of pages are accepted in one upload. A real browser does not
// report more.
const maxPageErrors = 32

// pageErrors groups reports about pages by problem. Each problem has the details of its first
// report. Problems beyond maxPageErrors are left out, and the number of their reports is returned.
func pageErrors(pages []pageReport, consent report.Consent) (groups []*report.ApplicationError, left int) {
	index := map[[16]byte]*report.ApplicationError{}
	for i := range pages {
		p := &pages[i]
		sum := p.fingerprint()
		switch g := index[sum]; {
		case g != nil:
			g.Count++
			g.At = max(g.At, -int64(p.age))
		case len(groups) == maxPageErrors:
			left++
		default:
			index[sum] = p.record(sum, consent)
			groups = append(groups, index[sum])
		}
	}
	return groups, left
}

func (p *pageReport) record(fingerprint [16]byte, consent report.Consent) *report.ApplicationError {
	e := &report.ApplicationError{At: -int64(p.age), Kind: p.kind, Type: p.name, Fingerprint: fingerprint, Count: 1, URL: p.target + "/"}
	if consent >= report.Diagnostics {
		e.URL, e.Message = p.url, p.message
		if p.file != "" {
			e.Frames = []report.Frame{{Function: report.Anonymous, File: p.file, Line: p.line}}
		}
	}
	return e
}
