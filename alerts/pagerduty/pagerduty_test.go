package pagerduty_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
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

// An event that is refused does not keep the others away, and a page is no confirmation.
func TestRefusedEvent(t *testing.T) {
	var keys []string
	page := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e struct {
			Key string `json:"dedup_key"`
		}
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			t.Error(err)
		}
		keys = append(keys, e.Key)
		switch {
		case page:
			_, _ = io.WriteString(w, "<!doctype html><title>Welcome</title>")
		case e.Key == "1":
			w.WriteHeader(http.StatusBadRequest)
		default:
			w.WriteHeader(http.StatusAccepted)
		}
	}))
	defer server.Close()
	s, err := pagerduty.New(server.URL, "key", nil)
	if err != nil {
		t.Fatal(err)
	}
	m := &alerts.Message{ID: "1", Alerts: []alerts.Alert{{Key: "1", Status: alerts.Resolved}, {Key: "2", Status: alerts.Resolved}}}
	if err := s.Send(t.Context(), m); !errors.Is(err, alerts.ErrRefused) || !slices.Equal(keys, []string{"1", "2"}) {
		t.Errorf("%v, events %q", err, keys)
	}
	page = true
	if err := s.Send(t.Context(), m); err == nil || errors.Is(err, alerts.ErrRefused) {
		t.Errorf("a page: %v", err)
	}
}
