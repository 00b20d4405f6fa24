package collector_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// storeAll stores every type that can be stored.
func storeAll(o *collector.Options, _ *sqliteinbox.Options) {
	o.Settings.BrowserReports = map[string]collector.Handling{"csp-violation": collector.StoreReports, "crash": collector.StoreReports,
		"deprecation": collector.StoreReports, "intervention": collector.StoreReports}
}

// pages returns the reports of pages among records, their fingerprints taken out and checked.
func pages(t *testing.T, records []report.Record) (all []report.ApplicationError) {
	t.Helper()
	seen := map[[16]byte]bool{}
	for _, r := range records[1:] {
		p, ok := r.(*report.ApplicationError)
		if !ok {
			continue
		}
		e := *p
		if seen[e.Fingerprint] {
			t.Errorf("two groups of one fingerprint: %+v", e)
		}
		seen[e.Fingerprint] = true
		e.Fingerprint = [16]byte{}
		all = append(all, e)
	}
	return all
}

// The upload in testdata is what Chromium 156 sent, but for line breaks.
func TestChromiumsReportsOfPages(t *testing.T) {
	const shop = "https://shop.test:8443"
	upload := string(must(os.ReadFile("testdata/chromium-156-pages.json"))(t))
	frame := func(file string, line uint32) []report.Frame {
		return []report.Frame{{Function: "<anonymous>", File: file, Line: line}}
	}
	want := []report.ApplicationError{
		{At: -17, Kind: report.KindCSPViolation, Type: "img-src", Message: "blocked https://evil.test", Count: 1, URL: shop + "/page", Frames: frame("page", 4)},
		{At: -15, Kind: report.KindDeprecation, Type: "XMLHttpRequestSynchronousInNonWorkerOutsideBeforeUnload", Count: 1, URL: shop + "/page", Frames: frame("page", 2),
			Message: "Synchronous `XMLHttpRequest` on the main thread is deprecated because of its detrimental effects to the end user's experience. For more help, check https://xhr.spec.whatwg.org/."},
		{At: -3, Kind: report.KindIntervention, Type: "NavigatorVibrate", Count: 1, URL: shop + "/page", Frames: frame("page", 3),
			Message: "Blocked call to navigator.vibrate because user hasn't tapped on the frame or any embedded frame yet: https://www.chromestatus.com/feature/:id."},
		{At: -19, Kind: report.KindCrash, Type: "unknown", Count: 1, URL: shop + "/crash"},
	}
	t.Run("diagnostics", func(t *testing.T) {
		r := newRig(t, storeAll)
		got := r.reported(upload)
		if h := got[0].(*report.Header); h.Source != report.SourceBrowser || h.App != "chrome" || h.Version != "156" || h.Consent != report.Diagnostics {
			t.Errorf("header %+v", h)
		}
		if all := pages(t, got); !reflect.DeepEqual(all, want) {
			t.Errorf("got  %+v\nwant %+v", all, want)
		}
		for _, rec := range got {
			if b := must(report.AppendRecord(nil, rec))(t); bytes.Contains(b, []byte("secret")) {
				t.Errorf("a query is in %+v", rec)
			}
		}
	})
	t.Run("counts", func(t *testing.T) {
		r := newRig(t, storeAll)
		r.policy.MaxConsent = report.Counts
		s := r.settings()
		s.BrowserReports = map[string]collector.Handling{"csp-violation": collector.StoreReports, "crash": collector.StoreReports,
			"deprecation": collector.StoreReports, "intervention": collector.StoreReports}
		if err := r.Reload(s); err != nil {
			t.Fatal(err)
		}
		for _, e := range pages(t, r.reported(upload)) {
			if e.Message != "" || e.Frames != nil || e.URL != shop+"/" {
				t.Errorf("under counts: %+v", e)
			}
		}
	})
	t.Run("by default they are counted", func(t *testing.T) {
		r := newRig(t, nil)
		if a := r.report(upload); a.status != http.StatusNoContent || len(r.stored()) != 0 {
			t.Errorf("status %d, %d batches stored", a.status, len(r.stored()))
		}
		for _, label := range []string{"csp-violation", "deprecation", "intervention", "crash"} {
			if n := r.metric("browser_reports_total", label); n != 1 {
				t.Errorf("%s: counted %v", label, n)
			}
		}
	})
}

// page is a report of a type with a body, of which single values can be replaced.
func page(reportType, body string, replace ...string) string {
	return strings.NewReplacer(replace...).Replace(fmt.Sprintf(`{"age":1000,"type":%q,"url":"https://shop.example/cart?card=secret","user_agent":"Chrome/120.0","body":%s}`, reportType, body))
}

func TestRulesOfReportsOfPages(t *testing.T) {
	const csp = `{"documentURL":"https://shop.example/","effectiveDirective":"script-src-elem","blockedURL":"https://cdn.example/x.js?secret","disposition":"enforce",` +
		`"sourceFile":"https://shop.example/static/app.js?secret","lineNumber":7,"sample":"secret","originalPolicy":"secret","referrer":"https://secret.example/"}`
	const old = `{"id":"UnloadHandler","message":"Unload is deprecated","sourceFile":"https://shop.example/static/app.js","lineNumber":7}`
	const where = " https://shop.example/cart app.js:7"
	r := newRig(t, storeAll)
	dropped := func() float64 { return r.metric("dropped_reports_total", "invalid") }
	for name, c := range map[string]struct{ report, want string }{
		"csp":                   {page("csp-violation", csp), "-1000 browser.csp.script_src_elem 'blocked https://cdn.example'" + where},
		"report only":           {page("csp-violation", csp, `"enforce"`, `"report"`), "-1000 browser.csp.script_src_elem 'would have blocked https://cdn.example'" + where},
		"inline":                {page("csp-violation", csp, "https://cdn.example/x.js?secret", "inline"), "-1000 browser.csp.script_src_elem 'blocked inline'" + where},
		"wasm":                  {page("csp-violation", csp, "https://cdn.example/x.js?secret", "wasm-eval"), "-1000 browser.csp.script_src_elem 'blocked wasm-eval'" + where},
		"data":                  {page("csp-violation", csp, "https://cdn.example/x.js?secret", "data:text/html,secret"), "-1000 browser.csp.script_src_elem 'blocked data'" + where},
		"an extension":          {page("csp-violation", csp, "https://cdn.example/x.js?secret", "chrome-extension://secret/x"), "-1000 browser.csp.script_src_elem 'blocked chrome-extension'" + where},
		"blocked text":          {page("csp-violation", csp, "https://cdn.example/x.js?secret", "a secret text"), "-1000 browser.csp.script_src_elem 'blocked other'" + where},
		"no directive":          {page("csp-violation", csp, "script-src-elem", ""), ""},
		"directive of words":    {page("csp-violation", csp, "script-src-elem", "a secret text"), ""},
		"a page not of the web": {page("csp-violation", csp, "https://shop.example/cart", "about:blank"), ""},
		"negative age":          {page("csp-violation", csp, `"age":1000`, `"age":-1`), ""},
		"deprecation":           {page("deprecation", old), "-1000 browser.deprecation 'Unload is deprecated'" + where},
		"message with secrets":  {page("deprecation", old, "Unload is", "https://me:secret@shop.example/?secret bob@mail.example is"), "-1000 browser.deprecation 'https://shop.example/ [email] is deprecated'" + where},
		"script of others":      {page("deprecation", old, "https://shop.example/static", "https://cdn.example/static"), "-1000 browser.deprecation 'Unload is deprecated (script of https://cdn.example)'" + where},
		"line beyond all":       {page("deprecation", old, ":7", ":1e300"), "-1000 browser.deprecation 'Unload is deprecated' https://shop.example/cart app.js:2147483647"},
		"no script":             {page("deprecation", old, `"sourceFile":"https://shop.example/static/app.js",`, ""), "-1000 browser.deprecation 'Unload is deprecated' https://shop.example/cart"},
		"no id":                 {page("deprecation", old, "UnloadHandler", ""), ""},
		"id of another type":    {page("deprecation", old, `"UnloadHandler"`, "7"), ""},
		"intervention":          {page("intervention", old), "-1000 browser.intervention 'Unload is deprecated'" + where},
		"out of memory":         {page("crash", `{"reason":"oom","stack":"secret","crash_report_api":{"k":"secret"}}`), "-1000 browser.crash.oom '' https://shop.example/cart"},
		"unresponsive":          {page("crash", `{"reason":"unresponsive"}`), "-1000 browser.crash.unresponsive '' https://shop.example/cart"},
		"crash without reason":  {page("crash", `{}`), "-1000 browser.crash.unknown '' https://shop.example/cart"},
		"reason of words":       {page("crash", `{"reason":"a secret text"}`), ""},
		"no body":               {page("crash", `null`), ""},
		"a text as body":        {page("crash", `"x"`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if c.want == "" {
				stored, before := len(r.stored()), dropped()
				if a := r.report("[" + c.report + "]"); a.status != http.StatusNoContent || len(r.stored()) != stored || dropped() != before+1 {
					t.Errorf("status %d, %d batches, %v counted as invalid", a.status, len(r.stored())-stored, dropped()-before)
				}
				return
			}
			got := r.reported("[" + c.report + "]")
			all := pages(t, got)
			if len(all) != 1 || len(got) != 2 {
				t.Fatalf("records %s", show(got))
			}
			e := all[0]
			line := fmt.Sprintf("%d %s '%s' %s", e.At, e.Outcome(), e.Message, e.URL)
			for _, f := range e.Frames {
				line += fmt.Sprintf(" %s:%d", f.File, f.Line)
			}
			if line != c.want || strings.Contains(fmt.Sprintf("%+v", e), "secret") {
				t.Errorf("got  %s\nwant %s\n%+v", line, c.want, e)
			}
		})
	}
}

// Firefox and Safari know report-uri only, or best.
func TestLegacyReportsOfViolations(t *testing.T) {
	r := newRig(t, storeAll)
	send := func(body string) answer {
		req := must(http.NewRequestWithContext(t.Context(), "POST", r.url+"/v1/reports", strings.NewReader(body)))(t)
		req.Header.Set("Content-Type", "application/csp-report")
		req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
		return r.do(req)
	}
	a := send(`{"csp-report":{"document-uri":"https://shop.example/cart?secret","referrer":"https://secret.example/","blocked-uri":"https://cdn.example/x?secret",` +
		`"effective-directive":"img-src","violated-directive":"img-src","original-policy":"secret","disposition":"enforce","status-code":200,"script-sample":"secret","source-file":"https://shop.example/app.js","line-number":3}}`)
	if a.status != http.StatusNoContent || len(r.stored()) != 1 {
		t.Fatalf("status %d, %d batches stored", a.status, len(r.stored()))
	}
	got := r.records(r.stored()[0].Segment)
	if h := got[0].(*report.Header); h.App != "firefox" || h.Version != "128" || h.OS != "linux" || h.Source != report.SourceBrowser {
		t.Errorf("header %+v", h)
	}
	want := []report.ApplicationError{{Kind: report.KindCSPViolation, Type: "img-src", Message: "blocked https://cdn.example", Count: 1,
		URL: "https://shop.example/cart", Frames: []report.Frame{{Function: "<anonymous>", File: "app.js", Line: 3}}}}
	if all := pages(t, got); !reflect.DeepEqual(all, want) {
		t.Errorf("got  %+v\nwant %+v", all, want)
	}
	for body, status := range map[string]int{`{"csp-report":{}}`: 204, `{}`: 204, `{"csp-report":7}`: 204, `[]`: 204, `{"csp-report"`: 400, ``: 400} {
		if a := send(body); a.status != status {
			t.Errorf("%s: status %d, want %d", body, a.status, status)
		}
	}
	if n := r.metric("dropped_reports_total", "invalid"); n != 4 || len(r.stored()) != 1 {
		t.Errorf("%v counted as invalid, want 4; %d batches stored", n, len(r.stored()))
	}
}

func TestHandlingOfTypes(t *testing.T) {
	r := newRig(t, func(o *collector.Options, _ *sqliteinbox.Options) {
		o.Settings.BrowserReports = map[string]collector.Handling{"network-error": collector.CountReports, "deprecation": collector.IgnoreReports, "other": collector.IgnoreReports}
	})
	a := r.report("[" + nel() + "," + page("deprecation", `{"id":"x"}`) + "," + page("made-up", `{}`) + "," + page("coop", `{}`) + ",7]")
	if a.status != http.StatusNoContent || len(r.stored()) != 0 {
		t.Errorf("status %d, %d batches stored", a.status, len(r.stored()))
	}
	for label, want := range map[string]float64{"network-error": 1, "coop": 1, "deprecation": 0, "other": 0} {
		if n := r.metric("browser_reports_total", label); n != want {
			t.Errorf("%s: counted %v, want %v", label, n, want)
		}
	}
	if n := r.metric("dropped_reports_total", "type"); n != 2 || r.metric("dropped_reports_total", "invalid") != 0 {
		t.Errorf("%v counted as dropped, want 2", n)
	}
	for _, bad := range []map[string]collector.Handling{{"coop": collector.StoreReports}, {"csp": collector.CountReports}, {"crash": "keep"}, {"crash": ""}} {
		s := r.settings()
		s.BrowserReports = bad
		if err := r.Reload(s); err == nil || !strings.Contains(err.Error(), slices.Collect(maps.Keys(bad))[0]) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

// Reports of one problem are one group, and one upload has a bounded number of them.
func TestReportsOfPagesAreGroupedAndBounded(t *testing.T) {
	r := newRig(t, storeAll)
	crash := func(host string, age int) string {
		return fmt.Sprintf(`{"age":%d,"type":"crash","url":"https://%s/","body":{"reason":"oom"}}`, age, host)
	}
	all := []string{crash("a.example", 5000), crash("a.example", 200), crash("a.example", 3000)}
	for n := range 40 {
		all = append(all, crash(fmt.Sprintf("h%d.example", n), 1))
	}
	got := pages(t, r.reported("["+strings.Join(all, ",")+"]"))
	if len(got) != 32 || got[0].Count != 3 || got[0].At != -200 || got[1].Count != 1 {
		t.Errorf("%d groups, first %+v", len(got), got[0])
	}
	if n := r.metric("dropped_reports_total", "overflow"); n != 9 {
		t.Errorf("%v counted as dropped, want 9", n)
	}
}

// Every type that the specification and Chromium's source name is kept as it came, in the phase
// that the browser says.
func TestEveryTypeOfNetworkErrorIsKept(t *testing.T) {
	types := map[string]string{
		"dns":        "dns.unreachable dns.name_not_resolved dns.failed dns.address_changed dns.timed_out dns.protocol dns.server",
		"connection": "tcp.timed_out tcp.closed tcp.reset tcp.refused tcp.aborted tcp.address_invalid tcp.address_unreachable tcp.failed tls.version_or_cipher_mismatch tls.bad_client_auth_cert tls.cert.name_invalid tls.cert.date_invalid tls.cert.authority_invalid tls.cert.invalid tls.cert.revoked tls.cert.pinned_key_not_in_cert_chain tls.protocol.error tls.failed tls.unrecognized_name_alert h2.protocol.error h3.protocol.error",
		"application": "http.error http.protocol.error http.response.invalid http.response.redirect_loop http.failed abandoned unknown ok h2.ping_failed http.response.invalid.empty http.response.invalid.content_length_mismatch " +
			"http.response.invalid.incomplete_chunked_encoding http.response.invalid.invalid_chunked_encoding http.request.range_not_satisfiable http.response.headers.truncated http.response.headers.multiple_content_disposition http.response.headers.multiple_content_length",
		"sxg": "sxg.failed sxg.mi_error sxg.non_secure_distributor sxg.parse_error sxg.invalid_integrity_header sxg.signature_verification_error sxg.cert_verification_error " +
			"sxg.cert_fetch_error sxg.cert_parse_error sxg.variant_mismatch sxg.header_integrity_mismatch sxg.had_cookie",
	}
	r := newRig(t, nil)
	r.policy.SamplesPerWindow = 100
	if err := r.Reload(r.settings()); err != nil {
		t.Fatal(err)
	}
	want := map[report.Outcome]report.Phase{}
	var upload []string
	for phase, names := range types {
		for name := range strings.FieldsSeq(names) {
			want[report.Outcome(name)] = report.Phase(phase)
			if phase == "sxg" { // which has more in its body, and is of the application
				want[report.Outcome(name)] = report.PhaseApplication
			}
			upload = append(upload, nel("tcp.reset", name, `"connection"`, `"`+phase+`"`, `"status_code":0`, `"sxg":{"outer_url":"https://secret.example/?secret"},"status_code":0`))
		}
	}
	got := map[report.Outcome]report.Phase{"ok": report.PhaseApplication} // a success has no sample
	counted := map[report.Outcome]bool{}
	for _, rec := range r.reported("[" + strings.Join(upload, ",") + "]") {
		switch rec := rec.(type) {
		case *report.Sample:
			got[rec.Outcome] = rec.Phase
		case *report.Window:
			for _, c := range rec.Counters {
				counted[c.Outcome] = true
			}
		}
	}
	if !maps.Equal(got, want) || len(counted) != len(want) {
		t.Errorf("got  %v\nwant %v\ncounted %v", got, want, counted)
	}
	if n := r.metric("dropped_reports_total", "invalid"); n != 0 {
		t.Errorf("%v dropped", n)
	}
}

// A changed address hides whether the request succeeded; the fraction tells.
func TestChangedAddressIsNoFailureByItself(t *testing.T) {
	for fraction, want := range map[string]report.Outcome{"1.0,": report.DNSAddressChanged, "0.05,": report.OK} {
		r := newRig(t, nil)
		got := r.reported("[" + nel("tcp.reset", "dns.address_changed", `"connection"`, `"dns"`, "1.0,", fraction) + "]")
		if c := got[1].(*report.Window).Counters[0]; c.Outcome != want || c.Status != 0 {
			t.Errorf("fraction %s: %+v, want %s", fraction, c, want)
		}
	}
	// What is not of requests cannot come as one.
	r := newRig(t, nil)
	if a := r.report("[" + nel("tcp.reset", "app.panic") + "," + nel("tcp.reset", "browser.crash") + "]"); a.status != http.StatusNoContent || r.metric("dropped_reports_total", "invalid") != 2 {
		t.Errorf("status %d, %v dropped", a.status, r.metric("dropped_reports_total", "invalid"))
	}
}

// A browser asks before every upload, whatever it was answered before; pages and workers of other
// origins must be able to read every answer.
func TestOtherOriginsAreAnswered(t *testing.T) {
	r := newRig(t, func(o *collector.Options, _ *sqliteinbox.Options) { o.MaxUploads = 1 })
	ask := func(method, path, body string, header ...string) answer {
		t.Helper()
		req := must(http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(body)))(t)
		req.Header.Set("Origin", "https://shop.example")
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		a := r.do(req)
		if a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Access-Control-Allow-Credentials") != "" || a.header.Get("Access-Control-Expose-Headers") != "ETag, Retry-After" {
			t.Errorf("%s %s: status %d, %v", method, path, a.status, a.header)
		}
		if a.status == http.StatusGone {
			t.Errorf("%s %s: 410 makes browsers forget the endpoint", method, path)
		}
		return a
	}
	for path, c := range map[string]struct{ method, headers string }{
		"/v1/reports": {"POST", "content-type"}, "/v1/batches": {"POST", "content-type, heliograph-batch, heliograph-delivery"}, "/v1/policy": {"GET", "if-none-match"},
	} {
		for _, private := range []string{"", "true"} {
			a := ask("OPTIONS", path, "", "Access-Control-Request-Method", c.method, "Access-Control-Request-Headers", c.headers, "Access-Control-Request-Private-Network", private)
			if a.status != 204 || a.header.Get("Access-Control-Allow-Headers") != c.headers || !strings.HasPrefix(a.header.Get("Access-Control-Allow-Methods"), c.method) ||
				a.header.Get("Access-Control-Max-Age") == "" || a.header.Get("Access-Control-Allow-Private-Network") != private {
				t.Errorf("preflight of %s: status %d, %v", path, a.status, a.header)
			}
		}
		if a := ask("DELETE", path, ""); a.status != http.StatusMethodNotAllowed {
			t.Errorf("DELETE %s: status %d", path, a.status)
		}
	}
	segment := []string{"Content-Type", protocol.MediaTypeSegment, "Heliograph-Batch", batchID(1).String()}
	etag := ask("GET", "/v1/policy", "").header.Get("ETag")
	for name, c := range map[string]struct{ got, want int }{
		"policy that is known": {ask("GET", "/v1/policy", "", "If-None-Match", etag).status, 304},
		"no segment":           {ask("POST", "/v1/batches", "x", segment...).status, 400},
		"other type":           {ask("POST", "/v1/batches", "x", "Content-Type", "text/plain").status, 415},
		"too large":            {ask("POST", "/v1/batches", strings.Repeat("x", seal.MaxSegment+1), segment...).status, 413},
		"no JSON":              {ask("POST", "/v1/reports", "x", "Content-Type", "application/reports+json").status, 400},
		"other type of report": {ask("POST", "/v1/reports", "x", "Content-Type", "text/plain").status, 415},
	} {
		if c.got != c.want {
			t.Errorf("%s: status %d, want %d", name, c.got, c.want)
		}
	}
	busy := r.rawUpload(batchID(2), 2000, "HGS")
	defer busy.Close()
	r.await("an upload in flight", func() bool { return r.metric("uploads_in_flight") == 1 })
	if a := ask("POST", "/v1/batches", "HGS", segment...); a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("overload: status %d, %v", a.status, a.header)
	}
	if a := ask("POST", "/v1/reports", "["+nel()+"]", "Content-Type", "application/reports+json"); a.status != 204 {
		t.Errorf("overload: status %d for reports", a.status)
	}
}
