package report_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

func TestOutcome(t *testing.T) {
	const dns, connection, application = report.PhaseDNS, report.PhaseConnection, report.PhaseApplication
	for _, e := range []struct {
		outcome, parent report.Outcome
		valid, failed   bool
		phase           report.Phase
	}{
		{report.OK, "", true, false, application},
		{report.Abandoned, "", true, true, application},
		{report.Unknown, "", true, true, application},
		{"dns", "", true, true, dns},
		{report.DNSNameNotResolved, "dns", true, true, dns},
		{report.DNSAddressChanged, "dns", true, true, dns},
		{"dns.new_thing.of_tomorrow", "dns.new_thing", true, true, dns},
		{"dnssec.bogus", "dnssec", true, true, application},
		{report.TCPReset, "tcp", true, true, connection},
		{"tcpx.reset", "tcpx", true, true, application},
		{report.TLSFailed, "tls", true, true, connection},
		{report.TLSCertDateInvalid, "tls.cert", true, true, connection},
		{report.TLSProtocolError, "tls.protocol", true, true, connection},
		{report.NetworkFailed, "network", true, true, connection},
		{report.H2PingFailed, "h2", true, true, application},
		{report.ProxyTunnelFailed, "proxy", true, true, connection},
		{report.H2ProtocolError, "h2.protocol", true, true, connection},
		{report.H3ProtocolError, "h3.protocol", true, true, connection},
		{report.HTTPError, "http", true, true, application},
		{report.HTTPProtocolError, "http.protocol", true, true, application},
		{report.HTTPResponseEmpty, "http.response.invalid", true, true, application},
		{"ok.not", "ok", true, true, application},
		{"a", "", true, true, application},
		{"_", "", true, true, application},
		{"0.1", "0", true, true, application},
		{report.Outcome(strings.Repeat("x", report.MaxOutcome)), "", true, true, application},
		{report.Outcome(strings.Repeat("x", report.MaxOutcome+1)), "", false, true, application},
		{"", "", false, true, application},
		{".", "", false, true, application},
		{"tcp.", "tcp", false, true, connection},
		{".tcp", "", false, true, application},
		{"tcp..reset", "tcp.", false, true, connection},
		{"TCP.reset", "TCP", false, true, application},
		{"tcp reset", "", false, true, application},
		{"tcp.réset", "tcp", false, true, connection},
		{"tcp.re-set", "tcp", false, true, connection},
		{"tcp.reset\n", "tcp", false, true, connection},
		{"tcp.reset\x00", "tcp", false, true, connection},
	} {
		o := e.outcome
		if o.Parent() != e.parent || o.Valid() != e.valid || o.Failed() != e.failed || o.Phase() != e.phase {
			t.Errorf("%q: parent %q, valid %v, failed %v, phase %q", o, o.Parent(), o.Valid(), o.Failed(), o.Phase())
		}
	}
}

func TestOutcomeUnder(t *testing.T) {
	for _, e := range []struct {
		outcome, prefix report.Outcome
		want            bool
	}{
		{"tls.cert.date_invalid", "tls.cert.date_invalid", true},
		{"tls.cert.date_invalid", "tls.cert", true},
		{"tls.cert.date_invalid", "tls", true},
		{"tls.cert", "tls.cert.date_invalid", false},
		{"tls.certificate", "tls.cert", false},
		{"tls.cert", "tls.", false},
		{"tls.cert", "tl", false},
		{"tls.cert", "cert", false},
		{"tls.cert", "", false},
		{"tls", "tls", true},
		{"ok", "ok", true},
		{"", "", true},
	} {
		if got := e.outcome.Under(e.prefix); got != e.want {
			t.Errorf("%q under %q: %v", e.outcome, e.prefix, got)
		}
	}
}

func TestPhaseValid(t *testing.T) {
	for phase, want := range map[report.Phase]bool{
		report.PhaseDNS: true, report.PhaseConnection: true, report.PhaseApplication: true, "": false, "sxg": false, "DNS": false,
	} {
		if phase.Valid() != want {
			t.Errorf("%q: %v", phase, !want)
		}
	}
}

var validOutcome = regexp.MustCompile(`\A[a-z0-9_]+(\.[a-z0-9_]+)*\z`)

// For any text: Valid agrees with the grammar, and climbing to the parent keeps an outcome valid,
// goes up, and ends.
func FuzzOutcome(f *testing.F) {
	for _, s := range []string{"ok", "tls.cert.date_invalid", "", ".", "a..b", "a.", "é", "A", strings.Repeat("x", report.MaxOutcome+1)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o := report.Outcome(s)
		if o.Valid() != (len(s) <= report.MaxOutcome && validOutcome.MatchString(s)) {
			t.Fatalf("%q: valid is %v", s, o.Valid())
		}
		if !o.Under(o) || !o.Phase().Valid() {
			t.Fatalf("%q: not under itself, or in no phase", s)
		}
		if !o.Valid() {
			return
		}
		for child, parent := o, o.Parent(); parent != ""; child, parent = parent, parent.Parent() {
			if !parent.Valid() || !child.Under(parent) || !o.Under(parent) || parent.Under(child) {
				t.Fatalf("%q has the parent %q", child, parent)
			}
		}
	})
}

// What a browser says of a page is named by the browser's own word as far as that is one.
func TestOutcomesOfApplicationErrors(t *testing.T) {
	for _, e := range []struct {
		kind report.ErrorKind
		name string
		want report.Outcome
	}{
		{report.KindError, "oom", report.AppError},
		{report.KindPanic, "runtime.boundsError", report.AppPanic},
		{report.KindLog, "warn", report.AppLog},
		{report.KindCrash, "oom", "browser.crash.oom"},
		{report.KindCrash, "crash", "browser.crash.crash"},
		{report.KindCSPViolation, "script-src-elem", "browser.csp.script_src_elem"},
		{report.KindDeprecation, "unload_handler", "browser.deprecation.unload_handler"},
		{report.KindDeprecation, "PrefixedStorageInfo", report.BrowserDeprecation},
		{report.KindIntervention, "a.b", report.BrowserIntervention},
		{report.KindIntervention, strings.Repeat("a", report.MaxOutcome), report.BrowserIntervention},
		{0, "oom", report.Unknown},
		{report.KindCSPViolation + 1, "oom", report.Unknown},
	} {
		o := (&report.ApplicationError{Kind: e.kind, Type: e.name}).Outcome()
		if o != e.want || !o.Valid() || o != report.Unknown && o.Phase() != report.PhaseApplication {
			t.Errorf("%d %q: %q, want %q", e.kind, e.name, o, e.want)
		}
	}
}
