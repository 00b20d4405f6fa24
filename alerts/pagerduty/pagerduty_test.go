package pagerduty_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/pagerduty"
)

func TestEvents(t *testing.T) {
	var got []map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e map[string]any
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			t.Error(err)
		}
		got = append(got, e)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	s, err := pagerduty.New(server.URL, " key\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	a := alerts.Alert{Key: "heliograph/x/1", Status: alerts.Firing, Severity: alerts.Critical, Summary: "down", StartsAt: time.Unix(1_800_000_000, 0).UTC(),
		Labels: map[string]string{"target": "https://shop.test", "verdict": "dns"}, Why: []string{"Its name does not resolve."}}
	over := a
	over.Status = alerts.Resolved
	if err := s.Send(t.Context(), &alerts.Message{ID: "1", Alerts: []alerts.Alert{a, over}}); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0]["event_action"] != "trigger" || got[1]["event_action"] != "resolve" || got[0]["dedup_key"] != got[1]["dedup_key"] ||
		got[0]["routing_key"] != "key" || got[1]["payload"] != nil {
		t.Fatalf("%v", got)
	}
	p := got[0]["payload"].(map[string]any)
	if p["summary"] != "down" || p["source"] != "https://shop.test" || p["severity"] != "critical" || p["timestamp"] != "2027-01-15T08:00:00Z" || p["class"] != "dns" {
		t.Errorf("%v", p)
	}
	if _, err := pagerduty.New(server.URL, "\n", nil); err == nil {
		t.Error("an empty key is taken")
	}
}
