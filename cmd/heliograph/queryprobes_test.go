package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
)

// probesAPI answers /probes with the servers that are asked for.
func probesAPI(t *testing.T, all []api.Probed) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/probes" || r.URL.Query().Get("limit") != "50" {
			t.Errorf("asked for %s", r.URL)
		}
		some := []api.Probed{}
		for _, p := range all {
			if name := r.URL.Query().Get("server"); name == "" || name == p.Name {
				some = append(some, p)
			}
		}
		text, err := json.Marshal(some)
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(text)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestQueryTellsWhyServersAreDown(t *testing.T) {
	at := time.Now().Add(-5 * time.Minute).UTC().Truncate(time.Second)
	down := api.Finding{Vantage: "fra-1", ASN: 64501, ASName: "Northnet", At: time.Now(), Judgement: "down", Outcome: "tcp.refused", Phase: "connect", Server: "192.0.2.2:443",
		Family: 4, Steps: []api.ProbeStep{{Name: "dns", MS: 1.2}, {Name: "connect", MS: 0.3456}}}
	old := api.Finding{Vantage: "osl-1", ASN: 64503, At: at, Judgement: "up", Outcome: "ok", Expired: true}
	url := probesAPI(t, []api.Probed{
		{Name: "web-2\x1b[2J", DataCentre: "fra", Row: "r1", Reach: model.ProbesGlobal, Since: at, Why: "tcp.refused in connect (1 of 1 vantage)", Vantages: []api.Finding{down, old}},
		{Name: "web-1", Reach: model.ProbesUp, Vantages: []api.Finding{old}, Changes: []api.Finding{down}},
	})
	code, stdout, stderr := invoke(t, "query", "--api", url, "--probes")
	if code != 0 || stderr != "" {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	for _, want := range []string{" in fra/r1 is down for all since " + at.Format(time.DateTime) + " (5m", "): tcp.refused in connect (1 of 1 vantage)\n", "fra-1  AS64501 Northnet  down",
		"tcp.refused in connect at 192.0.2.2:443 (IPv4), dns 1.2 ms, connect 0.346 ms", "up, too old"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	if strings.Contains(stdout, "web-1") || strings.Contains(stdout, "\x1b") {
		t.Errorf("%q", stdout)
	}
	code, stdout, _ = invoke(t, "query", "--api", url, "--probes", "--server", "web-1")
	if code != 0 || !strings.Contains(stdout, "web-1 is up\n") || !strings.Contains(stdout, "changes:\n") {
		t.Errorf("exit %d: %s", code, stdout)
	}
	if code, stdout, _ = invoke(t, "query", "--api", url, "--probes", "--json"); code != 0 || !json.Valid([]byte(stdout)) {
		t.Errorf("exit %d: %s", code, stdout)
	}
	if _, _, stderr = invoke(t, "query", "--api", url, "--probes", "--server", "web-9"); stderr != "No server \"web-9\" is probed.\n" {
		t.Error(stderr)
	}
	for flags, want := range map[string]string{"--server=a": "--server: goes with --probes", "--probes --type=tcp": "--probes: takes", "--probes --by=asn": "--probes and --by"} {
		if code, _, stderr := invoke(t, append([]string{"query", "--api", url}, strings.Fields(flags)...)...); code == 0 || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit %d: %s", flags, code, stderr)
		}
	}
	if _, _, stderr = invoke(t, "query", "--api", probesAPI(t, nil), "--probes"); stderr != "No probed server is down.\n" {
		t.Error(stderr)
	}
}
