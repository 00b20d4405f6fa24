package collector_test

import (
	"fmt"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

// The limits of one upload.
const (
	maxReportsBody = 512 << 10
	maxReports     = 512
)

// report posts a Reporting API upload as a browser does.
func (r *rig) report(body string) answer {
	r.t.Helper()
	req := must(http.NewRequestWithContext(r.t.Context(), "POST", r.url+"/v1/reports", strings.NewReader(body)))(r.t)
	req.Header.Set("Content-Type", "application/reports+json")
	return r.do(req)
}

// reported posts an upload that must be kept and returns what the detector will read.
func (r *rig) reported(body string) []report.Record {
	r.t.Helper()
	before := len(r.stored())
	if a := r.report(body); a.status != http.StatusNoContent || a.header.Get("Access-Control-Allow-Origin") != "*" {
		r.t.Fatalf("status %d, %v, %s", a.status, a.header, a.body)
	}
	all := r.stored()
	if len(all) != before+1 {
		r.t.Fatalf("%d batches were stored by one upload", len(all)-before)
	}
	return r.records(all[before].Segment)
}

// The uploads in testdata are what Chromium 156 sent, byte for byte.
func TestChromiumsReports(t *testing.T) {
	const shop = "https://shop.test:8443"
	for file, want := range map[string][]report.Record{
		"chromium-156-mixed.json": {
			&report.Window{Length: 60_000, SampledPPM: 500_000, Counters: []report.Counter{
				{Target: shop, Outcome: report.OK, Protocol: "h2", Status: 200, Count: 3},
			}},
			&report.Window{Length: 60_000, SampledPPM: report.FullPPM, Counters: []report.Counter{
				{Target: shop, Outcome: report.HTTPError, Protocol: "h2", Status: 404, Count: 1},
			}},
			&report.Sample{At: -255, URL: shop + "/missing", Method: "GET", Outcome: report.HTTPError, Phase: report.PhaseApplication,
				Protocol: "h2", Status: 404, ElapsedMS: 310},
		},
		"chromium-156-refused.json": {
			&report.Window{Length: 60_000, SampledPPM: report.FullPPM, Counters: []report.Counter{
				{Target: shop, Outcome: report.TCPRefused, Count: 1},
			}},
			&report.Sample{At: -86, URL: shop + "/api", Method: "GET", Outcome: report.TCPRefused, Phase: report.PhaseConnection},
		},
	} {
		t.Run(file, func(t *testing.T) {
			r := newRig(t, nil)
			got := r.reported(string(must(os.ReadFile("testdata/" + file))(t)))
			header, ok := got[0].(*report.Header)
			if !ok || header.Client == [16]byte{} {
				t.Fatalf("first record: %+v", got[0])
			}
			header.Client = [16]byte{}
			wantHeader := &report.Header{Source: report.SourceBrowser, App: "chrome", Version: "156", OS: "linux", Consent: report.Diagnostics}
			if want := append([]report.Record{wantHeader}, want...); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %s\nwant %s", show(got), show(want))
			}
			e := r.stored()[0]
			if e.ASN != 64501 || e.Country != "DE" || e.Delivery.Age != 0 || time.Since(time.UnixMilli(e.Received)) > time.Minute {
				t.Errorf("envelope: %+v", e)
			}
		})
	}
}

func show(records []report.Record) string {
	var b strings.Builder
	for _, r := range records {
		fmt.Fprintf(&b, "\n  %+v", r)
	}
	return b.String()
}

// nel is a report in which single values can be replaced: `"age":1` becomes `"age":-1`.
func nel(replace ...string) string {
	return strings.NewReplacer(replace...).Replace(`{"age":1000,"body":{"elapsed_time":37,"method":"GET","phase":"connection","protocol":"",` +
		`"referrer":"https://shop.example/","sampling_fraction":1.0,"server_ip":"192.0.2.7","status_code":0,"type":"tcp.reset"},` +
		`"type":"network-error","url":"https://shop.example/cart?card=secret","user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/120.0.0.0"}`)
}

func TestRulesOfReports(t *testing.T) {
	for name, c := range map[string]struct {
		report string
		want   string // of the only window and sample; "" when the report is dropped as invalid
	}{
		"plain":                 {nel(), "-0/1000000 https://shop.example tcp.reset  0 | -1000 https://shop.example/cart connection 37"},
		"fraction":              {nel("1.0,", "0.25,"), "-0/250000 https://shop.example tcp.reset  0 | -1000 https://shop.example/cart connection 37"},
		"fraction above 1":      {nel("1.0,", "7,"), "-0/1000000 https://shop.example tcp.reset  0 | -1000 https://shop.example/cart connection 37"},
		"tiny fraction":         {nel("1.0,", "1e-30,"), "-0/1 https://shop.example tcp.reset  0 | -1000 https://shop.example/cart connection 37"},
		"fraction 0":            {nel("1.0,", "0,"), ""},
		"negative fraction":     {nel("1.0,", "-0.5,"), ""},
		"no fraction":           {nel(`"sampling_fraction":1.0,`, ""), ""},
		"fraction as text":      {nel("1.0,", `"1",`), ""},
		"negative age":          {nel(`"age":1000`, `"age":-1`), ""},
		"age of 5 minutes":      {nel(`"age":1000`, `"age":300500`), "-300000/1000000 https://shop.example tcp.reset  0 | -300500 https://shop.example/cart connection 37"},
		"age of years":          {nel(`"age":1000`, `"age":1e15`), "-2592000000/1000000 https://shop.example tcp.reset  0 | -2592000000 https://shop.example/cart connection 37"},
		"unknown outcome":       {nel("tcp.reset", "quic.new_thing"), "-0/1000000 https://shop.example quic.new_thing  0 | -1000 https://shop.example/cart connection 37"},
		"impossible outcome":    {nel("tcp.reset", "TCP reset"), ""},
		"no outcome":            {nel(`,"type":"tcp.reset"`, ""), ""},
		"unknown phase":         {nel(`"connection"`, `"sxg"`), "-0/1000000 https://shop.example tcp.reset  0 | -1000 https://shop.example/cart connection 37"},
		"protocol too soon":     {nel(`"protocol":""`, `"protocol":"http/1.1"`), "-0/1000000 https://shop.example tcp.reset  0 | -1000 https://shop.example/cart connection 37"},
		"protocol":              {nel(`"protocol":""`, `"protocol":"h3"`, `"connection"`, `"application"`), "-0/1000000 https://shop.example tcp.reset h3 0 | -1000 https://shop.example/cart application 37"},
		"no protocol at all":    {nel(`"protocol":""`, `"protocol":"a text with secrets"`, `"connection"`, `"application"`), "-0/1000000 https://shop.example tcp.reset  0 | -1000 https://shop.example/cart application 37"},
		"status":                {nel(`"status_code":0`, `"status_code":503`), "-0/1000000 https://shop.example tcp.reset  503 | -1000 https://shop.example/cart connection 37"},
		"impossible status":     {nel(`"status_code":0`, `"status_code":70000`), "-0/1000000 https://shop.example tcp.reset  0 | -1000 https://shop.example/cart connection 37"},
		"negative elapsed time": {nel(`"elapsed_time":37`, `"elapsed_time":-3`), "-0/1000000 https://shop.example tcp.reset  0 | -1000 https://shop.example/cart connection 0"},
		"no URL":                {nel("https://shop.example/cart?card=secret", ""), ""},
		"URL without a host":    {nel("https://shop.example/cart?card=secret", "data:text/html,secret"), ""},
		"user in the URL":       {nel("https://shop.example/cart", "https://me:secret@shop.example:443/cart"), "-0/1000000 https://shop.example tcp.reset  0 | -1000 https://shop.example/cart connection 37"},
		"no body":               {`{"age":1,"type":"network-error","url":"https://shop.example/"}`, ""},
		"a number":              {`7`, ""},
		"null":                  {`null`, "type"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			if c.want == "" || c.want == "type" {
				if c.want == "" {
					c.want = "invalid"
				}
				if a := r.report("[" + c.report + "]"); a.status != http.StatusNoContent {
					t.Errorf("status %d", a.status)
				}
				if n := len(r.stored()); n != 0 || r.metric("dropped_reports_total", c.want) != 1 {
					t.Errorf("%d batches stored, %v counted as dropped", n, r.metric("dropped_reports_total", c.want))
				}
				return
			}
			got := r.reported("[" + c.report + "]")
			w, s := got[1].(*report.Window), got[2].(*report.Sample)
			line := fmt.Sprintf("-%d/%d %s %s %s %d | %d %s %s %d", -w.End, w.SampledPPM, w.Counters[0].Target, w.Counters[0].Outcome,
				w.Counters[0].Protocol, w.Counters[0].Status, s.At, s.URL, s.Phase, s.ElapsedMS)
			if line != c.want || len(got) != 3 || w.Counters[0].Server != "" {
				t.Errorf("got  %s\nwant %s", line, c.want)
			}
		})
	}
}

func TestServerAddressIsKeptWhenAskedFor(t *testing.T) {
	r := newRig(t, func(o *collector.Options, _ *sqliteinbox.Options) { o.Settings.KeepServerAddress = true })
	for ip, want := range map[string]string{"192.0.2.7": "192.0.2.7:443", "2001:db8::7": "[2001:db8::7]:443", "": "", "x": ""} {
		got := r.reported("[" + nel("192.0.2.7", ip) + "]")
		if w := got[1].(*report.Window); w.Counters[0].Server != want {
			t.Errorf("%q: server %q, want %q", ip, w.Counters[0].Server, want)
		}
	}
	got := r.reported("[" + nel("shop.example/", "shop.example:8443/") + "]")
	if w := got[1].(*report.Window); w.Counters[0].Server != "192.0.2.7:8443" {
		t.Errorf("server %q, want the URL's port", w.Counters[0].Server)
	}
}

func TestReportsOfOtherTypesAreCounted(t *testing.T) {
	r := newRig(t, nil)
	got := r.reported(`[{"type":"csp-violation","age":1,"url":"https://shop.example/","body":{"x":1}},` + nel() +
		`,{"type":"made-up-1","body":{}},{"type":"made-up-2","body":{}},{"type":"deprecation"}]`)
	if len(got) != 3 {
		t.Errorf("%d records, want a header, a window and a sample", len(got))
	}
	for label, want := range map[string]float64{"network-error": 1, "csp-violation": 1, "deprecation": 1, "other": 2, "made-up-1": 0} {
		if n := r.metric("browser_reports_total", label); n != want {
			t.Errorf("%s: counted %v, want %v", label, n, want)
		}
	}
	if n := r.metric("dropped_reports_total", "type"); n != 4 {
		t.Errorf("%v are counted as dropped, want 4", n)
	}
}

func TestUploadsThatNoBrowserSends(t *testing.T) {
	r := newRig(t, nil)
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"empty":            {"", 400},
		"no JSON":          {"hello", 400},
		"cut":              {"[" + nel(), 400},
		"an object":        {nel(), 400},
		"broken inside":    {`[{"age":1,}]`, 400},
		"two arrays":       {"[][]", 400},
		"something after":  {"[" + nel() + "]x", 400},
		"very deep":        {strings.Repeat("[", 100_000), 400},
		"too large":        {"[" + strings.Repeat(" ", maxReportsBody) + "]", 413},
		"an empty array":   {"[]", 204},
		"space around all": {" [ ] \n", 204},
	} {
		a := r.report(c.body)
		if a.status != c.status || strings.Contains(string(a.body), "hello") {
			t.Errorf("%s: status %d, %q; want %d", name, a.status, a.body, c.status)
		}
	}
	req := must(http.NewRequestWithContext(t.Context(), "POST", r.url+"/v1/reports", strings.NewReader("[]")))(t)
	req.Header.Set("Content-Type", "text/plain")
	if a := r.do(req); a.status != http.StatusUnsupportedMediaType {
		t.Errorf("text/plain: status %d, want 415", a.status)
	}
	req = must(http.NewRequestWithContext(t.Context(), "POST", r.url+"/v1/reports", strings.NewReader("[]")))(t)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if a := r.do(req); a.status != http.StatusNoContent {
		t.Errorf("application/json: status %d, want 204", a.status)
	}
	if n := len(r.stored()); n != 0 {
		t.Errorf("%d batches are stored", n)
	}
}

func TestUploadOfManyReportsIsBounded(t *testing.T) {
	r := newRig(t, nil)
	var all []string
	for n := range maxReports + 10 {
		all = append(all, nel("shop.example", fmt.Sprintf("%s%d.example", strings.Repeat("long-label.", 10), n)))
	}
	got := r.reported("[" + strings.Join(all, ",") + "]")
	counted, samples := uint64(0), 0
	for _, rec := range got[1:] {
		switch rec := rec.(type) {
		case *report.Window:
			for _, c := range rec.Counters {
				counted += c.Count
			}
		case *report.Sample:
			samples++
		}
	}
	if counted != maxReports || samples != policy.DefaultSamplesPerWindow {
		t.Errorf("%d requests and %d samples, want %d and %d", counted, samples, maxReports, policy.DefaultSamplesPerWindow)
	}
	if n := r.metric("dropped_reports_total", "overflow"); n != 10 {
		t.Errorf("%v are counted as dropped, want 10", n)
	}
}
