package dashboards

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
)

func TestParameterErrorsNameTheParameterAndWhatIsAllowed(t *testing.T) {
	reader := &fakeReader{}
	_, url := serve(t, Options{Reader: reader, Servers: fleet(t, 5), Retention: 48 * time.Hour})
	cases := []struct{ query, parameter, says string }{
		{"totals?since=0s", "since", "at most 2d"},
		{"totals?since=-5m", "since", "above 0"},
		{"totals?since=3d", "since", "at most 2d"},
		{"totals?since=yesterday", "since", "15m"},
		{"totals?since=99999999d", "since", "at most 2d"},
		{"totals?by=type,colour", "by", "protocol"},
		{"totals?by=type,type", "by", "twice"},
		{"totals?by=,", "by", "country"},
		{"totals?limit=0", "limit", "from 1 to 10000"},
		{"totals?limit=10001", "limit", "from 1 to 10000"},
		{"totals?limit=ten", "limit", "whole number"},
		{"totals?bye=type", "query", "since, by, type, target, limit"},
		{"totals?since=1m&since=2m", "since", "once"},
		{"totals?%zz", "query", "percent-encoded"},
		{"totals?since=" + strings.Repeat("9", maxQuery), "query", "4096"},
		{"reports?type=TCP", "type", "tcp.reset"},
		{"reports?type=" + strings.Repeat("a", 65), "type", "64 bytes"},
		{"reports?target=" + strings.Repeat("a", 257), "target", "256 bytes"},
		{"reports?limit=1001", "limit", "from 1 to 1000"},
		{"incidents?since=1w", "since", "24h"},
		{"reachability?step=10ms", "step", "at least 1s"},
		{"reachability?since=48h&step=1m", "step", "divided by 1440"},
		{"servers?state=broken", "state", "up, down, unknown"},
		{"servers?first=-1", "first", "from 0"},
		{"servers?limit=10001", "limit", "from 0 to 10000"},
		{"servers.bits?state=no", "state", "up, down, unknown"},
		{"servers.png?width=99999", "width", "whole number from"},
		{"stream?since=1m", "query", "one of"},
		{"stream?sections=totals,trouble", "sections", "incidents"},
		{"stream?sections=totals,totals", "sections", "twice"},
		{"now?since=1m", "query", "not one of"},
		{"totals?type=TCP", "type", "tcp.reset"},
	}
	for _, c := range cases {
		resp, body := fetch(t, url+"/api/v1/"+c.query)
		var p api.Problem
		if err := json.Unmarshal(body, &p); err != nil {
			t.Fatalf("%.60s: %v: %s", c.query, err, body)
		}
		if resp.StatusCode != http.StatusBadRequest || p.Parameter != c.parameter || !strings.Contains(p.Error, c.says) {
			t.Errorf("%.60s: %s, %+v; want 400, parameter %q and %q", c.query, resp.Status, p, c.parameter, c.says)
		}
	}
	if n := reader.count(); n != 0 {
		t.Errorf("the store was asked %d times for requests that were refused", n)
	}
}

func TestParameterErrorsListTheWords(t *testing.T) {
	_, url := serve(t, Options{Reader: &fakeReader{}})
	_, body := fetch(t, url+"/api/v1/totals?by=colour")
	var p api.Problem
	if err := json.Unmarshal(body, &p); err != nil {
		t.Fatal(err)
	}
	want := []string{"type", "app", "target", "asn", "country", "server", "protocol", "status", "source"}
	if !slices.Equal(p.Allowed, want) {
		t.Errorf("allowed %v, want %v", p.Allowed, want)
	}
}

// The answer to a query that would read too much says which parameter to change, and to what.
func TestCostProblems(t *testing.T) {
	now := time.Now()
	for want, cost := range map[string]*model.CostError{
		"since makes the query read more than 9 sums; now it may be 6h30m0s at most":                         {Of: "sums", Most: 9, Since: now.Add(-6*time.Hour - 30*time.Minute)},
		"since makes the query read more than 9 sums; ask for a shorter one":                                 {Of: "sums", Most: 9, Since: now},
		"since makes the query read more than 9 series; ask for a shorter one":                               {Of: "series", Most: 9},
		"by makes more than 9 groups; ask by fewer of type, server, for one target, or with a shorter since": {Of: "groups", Most: 9, By: model.DimensionsOf(model.ByOutcome, model.ByServer)},
	} {
		if got := costProblem(cost, now); got.Error != want || !strings.HasPrefix(want, got.Parameter+" ") {
			t.Errorf("%+v, want %q", got, want)
		}
	}
}
