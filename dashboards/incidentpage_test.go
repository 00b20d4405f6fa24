package dashboards

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// storyReader has an incident of one server, the same a day before, another incident, and
// a release.
func storyReader(now time.Time) *fakeReader {
	at := model.Scope{Servers: []string{"192.0.2.1:443"}}
	incident := func(id int64, ago time.Duration, scope model.Scope) model.Incident {
		return model.Incident{ID: id, App: "shop", Target: "https://shop.example", Outcome: report.TCPRefused, Verdict: model.ServerGroup, Page: true,
			Scope: scope, Since: now.Add(-ago), Until: now.Add(-ago + 10*time.Minute), Failed: 90, Requests: 100, Expected: 1, Clients: 30,
			Title: "tcp.refused", Evidence: []model.Signal{{Code: model.SignalExcess, Text: "90 of 100 requests failed"}}}
	}
	cell := func(asn uint32, server string, failed float64, clients uint64) model.Total {
		return model.Total{Key: model.Series{ASN: asn, Server: server}, By: model.DimensionsOf(model.ByASN, model.ByServer), OK: 10, Failed: failed, Clients: clients}
	}
	return &fakeReader{
		incidents: []model.Incident{incident(9, 2*time.Hour, at), incident(8, 150*time.Minute, model.Scope{}), incident(3, 26*time.Hour, at)},
		totals:    []model.Total{cell(64501, "192.0.2.1:443", 60, 20), cell(64502, "192.0.2.1:443", 5, 2), cell(64501, "192.0.2.7:443", 4, 9), cell(64503, "192.0.2.1:443", 0, 9)},
		rollups: []model.Rollup{
			{At: now.Add(-20 * time.Hour), Key: model.RollupKey{Version: "1.2"}},
			{At: now.Add(-2 * time.Hour), Key: model.RollupKey{Version: "1.2"}}, {At: now.Add(-2 * time.Hour), Key: model.RollupKey{Version: "1.3<script>"}},
		},
	}
}

// signedAt is an installation of which only the policies are known.
type signedAt struct {
	installation
	policies []api.ServedPolicy
}

func (s *signedAt) Policies() []api.ServedPolicy { return s.policies }

// The page of an incident has what is in its scope, and what is around it.
func TestIncidentPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().Truncate(time.Hour)
		installed := &signedAt{policies: []api.ServedPolicy{{Version: 6, Issued: now.Add(-48 * time.Hour)}, {Version: 7, Issued: now.Add(-150 * time.Minute), Disabled: true},
			{Version: 8, Issued: now}}}
		_, client, stop := virtual(t, Options{Reader: storyReader(time.Now()), Installation: installed, LeastClients: 5, Runbooks: "https://docs.example/runbooks/", NetworkName: names})
		defer stop()
		var page api.IncidentPage
		if err := json.Unmarshal(get(t, client, "/incident?id=9"), &page); err != nil {
			t.Fatal(err)
		}
		if page.Incident.ID != 9 || page.Cause != "Server 192.0.2.1:443 is down" || page.Runbook != "https://docs.example/runbooks/server-group.md" {
			t.Errorf("%d, %q, %s", page.Incident.ID, page.Cause, page.Runbook)
		}
		// the reader has networks and servers, whatever is asked
		if c := page.Cells; len(c) != 4 || *c[0].ASN != 64501 || c[0].Failed != 60 || *c[2].Server != "192.0.2.1:443" || c[2].Failed != 65 || page.Suppressed != 1 {
			t.Errorf("cells %+v, %d suppressed; want what failed in the scope, of enough clients", page.Cells, page.Suppressed)
		}
		var kinds []string
		for _, c := range page.Changes {
			kinds = append(kinds, c.Kind)
		}
		slices.Sort(kinds)
		if got := strings.Join(kinds, " "); got != "incident policy release" {
			t.Errorf("changes %+v at %v", page.Changes, now)
		}
		if len(page.Recurrences) != 1 || page.Recurrences[0].ID != 3 {
			t.Errorf("recurrences %+v, want that of the day before", page.Recurrences)
		}
		text := string(get(t, client, "/incident.md?id=9"))
		for _, want := range []string{"# Server 192.0.2.1:443 is down\n", "- **Incident** 9, server group", "## Evidence\n\n- 90 of 100 requests failed",
			"| Northnet AS64501 |", "version 1.3\\<script\\> of shop was first seen", "version 7 of the policy was signed, which turns recording off", "## Recurrences", "## What helped"} {
			if !strings.Contains(text, want) {
				t.Errorf("the Markdown lacks %q:\n%s", want, text)
			}
		}
	})
}

func TestIncidentPageParameters(t *testing.T) {
	_, url := serve(t, Options{Reader: &fakeReader{}})
	for query, want := range map[string]int{"incident?id=7": 404, "incident": 400, "incident?id=x": 400, "incident.md?id=7": 404} {
		if resp, body := fetch(t, url+"/api/v1/"+query); resp.StatusCode != want {
			t.Errorf("%s: %d %s, want %d", query, resp.StatusCode, body, want)
		}
	}
}

// What reports say is text in Markdown, whatever it is.
func TestPlainMarkdown(t *testing.T) {
	for s, want := range map[string]string{
		"shop.example:443": "shop.example:443", "<img src=x>": "\\<img src=x\\>", "[a](javascript:b)": "\\[a\\](javascript:b)", "a\nb": "a b",
		"a|b": "a\\|b", "\u202eevil": " evil", "`x`": "\\`x\\`",
	} {
		if got := plain(s); got != want {
			t.Errorf("%q becomes %q, want %q", s, got, want)
		}
	}
}
