package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
)

// Incidents are named before a table of reports, and have a table of their own, in the order of the
// API.
func TestQueryShowsIncidents(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	all := []api.Incident{
		{ID: 2, Since: at.Add(time.Hour), Verdict: model.TooThin, Clients: 3, Title: "two\x1b[2J"},
		{ID: 1, Since: at, Until: at.Add(90 * time.Second), Verdict: model.DNS, Page: true, Clients: 12, Title: "over"},
	}
	dashboard := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/v1/now":
			_, _ = io.WriteString(w, `{"state":"calm","headline":"Users are fine","why":[]}`)
		case "/api/v1/incidents":
			if got := r.URL.Query().Get("since"); got != "7d" {
				t.Errorf("since=%s", got)
			}
			_ = json.NewEncoder(w).Encode(all)
		default:
			_, _ = io.WriteString(w, `[]`)
		}
	}))
	defer dashboard.Close()
	code, _, stderr := invoke(t, "query", "--api", dashboard.URL, "--since", "7d")
	want := "calm: Users are fine\n  incident 2, open since 2026-11-22 13:00:00 UTC: two\ufffd[2J\n" +
		"  incident 1, over, 2026-11-22 12:00:00 UTC for 1m30s: over\nNothing in the last 7d.\n"
	if code != 0 || stderr != want {
		t.Errorf("exit %d\n%s", code, stderr)
	}
	code, stdout, _ := invoke(t, "query", "--api", dashboard.URL, "--since", "7d", "--incidents")
	lines := strings.Split(stdout, "\n")
	if code != 0 || len(lines) != 4 || strings.Join(strings.Fields(lines[1]), " ") != "2 2026-11-22 13:00:00 open too_thin no 3 two\ufffd[2J" ||
		strings.Join(strings.Fields(lines[2]), " ") != "1 2026-11-22 12:00:00 2026-11-22 12:01:30 dns yes 12 over" {
		t.Errorf("exit %d\n%s", code, stdout)
	}
	code, stdout, _ = invoke(t, "query", "--api", dashboard.URL, "--since", "7d", "--incidents", "--json")
	var got []api.Incident
	if err := json.Unmarshal([]byte(stdout), &got); code != 0 || err != nil || len(got) != 2 {
		t.Errorf("exit %d, %v: %s", code, err, stdout)
	}
	for _, args := range [][]string{{"--by", "asn"}, {"--type", "tls"}, {"--probes"}} {
		if code, _, stderr := invoke(t, append([]string{"query", "--incidents"}, args...)...); code == 0 || !strings.Contains(stderr, args[0]) {
			t.Errorf("%v: exit %d, %s", args, code, stderr)
		}
	}
}
