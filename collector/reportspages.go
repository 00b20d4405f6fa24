package collector

import (
	"crypto/sha256"
	"net/url"
	"strings"

	"github.com/heliograph-net/heliograph/privacy/scrub"
	"github.com/heliograph-net/heliograph/report"
)

// pageReport is what a browser reports of a page rather than of a request, scrubbed: nothing else
// of what it sent is kept.
type pageReport struct {
	age     uint64 // ms, at most report.MaxAge
	kind    report.ErrorKind
	name    string // what of its kind: "oom", "script-src-elem"
	target  string // origin of the page
	url     string // scrubbed, of the page
	message string // scrubbed
	file    string // base name of the script, may be empty
	line    uint32
	what    string // what else tells problems apart: what was blocked, or the script
}

// pageKinds are the types of reports of pages that can be kept.
var pageKinds = map[string]report.ErrorKind{
	typeCrash: report.KindCrash, typeDeprecation: report.KindDeprecation, typeIntervention: report.KindIntervention, typeCSP: report.KindCSPViolation,
}

// rawPageBody has what is looked at of the bodies of deprecation, intervention and crash reports
// (WICG drafts of these names) and of violations (Content Security Policy Level 3, section 5.3).
// Stacks, samples of code, the policy and referrers are not decoded.
type rawPageBody struct {
	ID         string  `json:"id"`         // deprecation, intervention
	Message    string  `json:"message"`    // deprecation, intervention
	SourceFile string  `json:"sourceFile"` // all but crash
	Line       float64 `json:"lineNumber"` // all but crash
	Reason     string  `json:"reason"`     // crash: "oom", "unresponsive" or nothing

	EffectiveDirective string `json:"effectiveDirective"` // csp-violation, like the rest
	BlockedURL         string `json:"blockedURL"`
	Disposition        string `json:"disposition"` // "enforce" or "report"
}

const (
	maxName     = 64 // bytes of a directive, a reason or the id of a deprecation or intervention
	crashReason = "unknown"

	anonymous    = "<anonymous>" // the function of a frame: browsers tell none
	blockedOther = "other"       // what was blocked, when it is nothing that may be kept
)

// scrubPage keeps what may be kept of a report. It reports false for one that breaks the rules: a
// negative age, a page that is not on the web, no name or one that is not built like a name.
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

// source says in which script it happened: by its base name, and by its origin when that is not
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

// isName says whether s can be one of the browser's own words: not a text that may tell
// of the user.
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

// blocked is what may be kept of a blocked URL: its origin, its scheme when that is not the web's
// ("data"), or the keyword that stands in its place ("inline", "eval").
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

// scrubMessage is a browser's message as it may be kept. What is far beyond the limit is cut off
// before, at the end of a word, for a part of a secret may not look like one.
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

// fingerprint tells which reports are one problem: one thing on one site.
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

// maxPageErrors is how many problems of pages one upload can tell of: a browser that has more to
// say is not telling of pages.
const maxPageErrors = 32

// pageErrors groups reports of pages by problem, each with the details of the first report that has
// it. Those beyond maxPageErrors are left out, and their number is returned.
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
			e.Frames = []report.Frame{{Function: anonymous, File: p.file, Line: p.line}}
		}
	}
	return e
}
