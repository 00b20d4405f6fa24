package slack_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/slack"
)

// What clients or servers can write mentions nobody and links nowhere, and everything is within
// Slack's limits.
func TestMessage(t *testing.T) {
	var got struct {
		Text   string
		Blocks []struct{ Text struct{ Text string } }
	}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	s, err := slack.New(server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := &alerts.Message{ID: "1"}
	for range 30 {
		m.Alerts = append(m.Alerts, alerts.Alert{Status: alerts.Firing, Summary: "<!channel> down & out", Why: []string{strings.Repeat("é", 4000)}, StartsAt: time.Now()})
	}
	if err := s.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got.Text != "30 incidents" || len(got.Blocks) != 21 || got.Blocks[20].Text.Text != "and 10 more" {
		t.Errorf("%q in %d blocks", got.Text, len(got.Blocks))
	}
	first := got.Blocks[0].Text.Text
	if !strings.HasPrefix(first, ":red_circle: *&lt;!channel&gt; down &amp; out*\nSince ") || len(first) > 3000 || strings.Contains(first, "�") {
		t.Errorf("%d bytes: %.80q", len(first), first)
	}
}

// A page, as a login or a portal of some network answers, is no confirmation.
func TestPageIsNoConfirmation(t *testing.T) {
	answer := "ok"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
	defer server.Close()
	s, err := slack.New(server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := &alerts.Message{ID: "1", Alerts: []alerts.Alert{{Status: alerts.Firing, Summary: "down"}}}
	if err := s.Send(t.Context(), m); err != nil {
		t.Error(err)
	}
	answer = "\n<html>Sign in"
	if err := s.Send(t.Context(), m); err == nil || errors.Is(err, alerts.ErrRefused) {
		t.Errorf("a page: %v", err)
	}
}
