package collector

import (
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// Whatever JSON is accepted can be sealed: no value that passes breaks the codec's rules, no report
// is lost or made up, and no query string passes.
func FuzzReports(f *testing.F) {
	for _, seed := range []string{
		`[{"age":1,"body":{"elapsed_time":37,"method":"GET","phase":"connection","protocol":"h2","sampling_fraction":1.0,"server_ip":"192.0.2.7",` +
			`"status_code":0,"type":"tcp.reset"},"type":"network-error","url":"https://shop.example/cart?card=QQQQ","user_agent":"Chrome/1"}]`,
		`[{"age":1e300,"body":{"elapsed_time":1e300,"phase":"dns","sampling_fraction":1e-300,"status_code":1e300,"type":"x"},"type":"network-error","url":"wss://[::1]:8443/?QQQQ"}]`,
		`[{"age":5,"type":"csp-violation","url":"https://shop.example/cart?QQQQ","body":{"effectiveDirective":"script-src-elem","blockedURL":"https://x.example/?QQQQ",` +
			`"sourceFile":"https://y.example/app.js?QQQQ","lineNumber":7}},{"type":"crash","url":"https://shop.example/","body":{"reason":"oom"}},` +
			`{"type":"deprecation","url":"https://shop.example/","body":{"id":"UnloadHandler","message":"see https://x.example/?QQQQ","lineNumber":1e300}}]`,
		`{"csp-report":{"document-uri":"https://shop.example/?QQQQ","effective-directive":"img-src","blocked-uri":"data","line-number":-1}}`,
		`{"csp-report":{"document-uri":"https://shop.example/","violated-directive":"script-src 'self' https://x.example/?QQQQ","blocked-uri":"https://y.example/"}}`,
		`[null,1,"x",[],{}]`, `[]`, `{}`, `[`, ``,
	} {
		f.Add([]byte(seed))
	}
	b := &browser{metrics: newMetrics()}
	s := &settings{Settings: Settings{KeepServerAddress: true, BrowserReports: map[string]Handling{
		typeCrash: StoreReports, typeDeprecation: StoreReports, typeIntervention: StoreReports, typeCSP: StoreReports,
	}}}
	key, err := seal.GenerateOpenKey()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, legacy := range []bool{false, true} {
			kept, err := b.decode(s, body, legacy, "Firefox/1")
			if err != nil || kept.len() == 0 {
				continue
			}
			header := kept.userAgent.header(report.Diagnostics, [16]byte{1})
			ws, ss := windows(kept.nel, 60_000), samples(kept.nel, 100, report.Diagnostics)
			pages, left := pageErrors(kept.pages, report.Diagnostics)
			if _, _, err := sealReports(key.SealKey(), report.BatchID{1}, header, ws, pages, ss); err != nil {
				t.Fatalf("%v for %q", err, body)
			}
			total := uint64(left)
			for _, w := range ws {
				for _, counter := range w.Counters {
					total += counter.Count
				}
			}
			for _, p := range pages {
				total += p.Count
				checkClean(t, p.URL, p)
			}
			if total != uint64(kept.len()) {
				t.Errorf("%d reports, %d counted", kept.len(), total)
			}
			for _, s := range ss {
				checkClean(t, s.URL, s)
			}
		}
	})
}

// checkClean fails for a URL with a query, and for a record that cannot be encoded.
func checkClean(t *testing.T, url string, r report.Record) {
	t.Helper()
	if _, err := report.AppendRecord(nil, r); err != nil || strings.ContainsAny(url, "?#") {
		t.Errorf("URL %q: %+v", url, r)
	}
}
