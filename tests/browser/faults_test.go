package browser

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/tests/faults"
)

// TestFaultsInScript: a page of Chromium fetches from servers that break in every phase, which let
// it read their answers. Each request is counted once, with what script can tell.
func TestFaultsInScript(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	servers := faults.StartWith(t, f.rig.ca)
	type request struct {
		URL      string `json:"url"`
		Patience int64  `json:"patience"`
	}
	var requests []request
	for _, one := range servers.Faults {
		requests = append(requests, request{one.URL + "/cart", one.Patience().Milliseconds()})
	}
	list, err := json.Marshal(requests)
	if err != nil {
		t.Fatal(err)
	}
	tab := f.open("none", "counts")
	tab.do(`await Promise.all(%s.map(async (r) => { try { await (await fetch(r.url, { signal: AbortSignal.timeout(r.patience) })).text(); } catch {} })); await h.flush()`, list)

	got := make(map[string]map[report.Outcome]float64)
	await(t, "all requests are in the store", func() bool {
		got = f.byTarget(servers)
		return len(got) == len(servers.Faults)
	})
	seen := make(map[string]report.Outcome)
	for _, one := range servers.Faults {
		for outcome := range got[one.URL] {
			seen[one.Name] = outcome
		}
		if !maps.Equal(got[one.URL], map[report.Outcome]float64{seen[one.Name]: 1}) {
			t.Errorf("%s: counted as %v", one.Name, got[one.URL])
		}
	}
	if !t.Failed() {
		servers.Check(t, "Chromium, script", faults.Seen{"fetch": seen})
	}
}

// byTarget is what the store holds of requests to the servers.
func (f *fixture) byTarget(servers *faults.Servers) map[string]map[report.Outcome]float64 {
	totals, err := f.rig.node.Store.Totals(f.t.Context(), model.TotalsQuery{Since: time.Now().Add(-time.Hour), By: model.DimensionsOf(model.ByTarget, model.ByOutcome)})
	if err != nil {
		f.t.Fatal(err)
	}
	got := make(map[string]map[report.Outcome]float64)
	for _, one := range servers.Faults {
		for _, total := range totals {
			if strings.TrimSuffix(total.Key.Target, "/") != one.URL {
				continue
			}
			if got[one.URL] == nil {
				got[one.URL] = make(map[report.Outcome]float64)
			}
			got[one.URL][total.Key.Outcome] += total.OK + total.Failed
		}
	}
	return got
}
