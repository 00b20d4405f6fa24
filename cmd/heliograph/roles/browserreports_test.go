package roles

import (
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/collector"
)

func TestBrowserReports(t *testing.T) {
	c, err := parse("h.yaml", []byte("collector:\n  browser_reports:\n    csp-violation: store\n    crash: ignore\n  browser_server_address: true\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := c.Collector
	if len(got.BrowserReports) != 2 || got.BrowserReports["csp-violation"] != collector.StoreReports || got.BrowserReports["crash"] != collector.IgnoreReports || !got.BrowserServerAddress {
		t.Errorf("%+v", got)
	}
	_, err = parse("h.yaml", []byte("collector:\n  browser_reports:\n    crash: stored\n    coop: store\n    csp: count\n"))
	for _, want := range []string{
		`h.yaml:3: collector.browser_reports.crash: crash: "stored" is neither store, count nor ignore`,
		"h.yaml:4: collector.browser_reports.coop: coop cannot be stored: give count or ignore",
		"h.yaml:5: collector.browser_reports.csp: csp is not a type of report: give one of coep, ",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}
