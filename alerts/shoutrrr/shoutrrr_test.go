package shoutrrr

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/heliograph-net/heliograph/alerts"
)

func alert(summary string) alerts.Alert {
	return alerts.Alert{Status: alerts.Firing, StartsAt: time.Unix(1_800_000_000, 0), Summary: summary, Why: []string{"Its name does not resolve."}, Link: "https://status.test/#/incidents/1"}
}

func open(t *testing.T, url string) *Sender {
	t.Helper()
	s, err := New(url)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Services of different kinds get the text in the form that each of them asks for.
func TestKinds(t *testing.T) {
	type request struct {
		path, header string
		body         []byte
	}
	got := make(chan request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- request{r.URL.Path, r.Header.Get("Content-Type"), body}
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(server.Close)
	host := server.Listener.Addr().String()
	field := func(name string) func([]byte) string {
		return func(body []byte) string {
			var m map[string]any
			if err := json.Unmarshal(body, &m); err != nil {
				t.Errorf("%v: %s", err, body)
			}
			text, _ := m[name].(string)
			return text
		}
	}
	for _, c := range []struct {
		url, path string
		text      func([]byte) string
	}{
		{"ntfy://" + host + "/alerts?disabletls=yes", "/alerts", func(b []byte) string { return string(b) }},
		{"generic://" + host + "/hook?disabletls=yes&template=json", "/hook", field("message")},
		{"gotify://" + host + "/Aaa.bbb.ccc.ddd?disabletls=yes", "/message", field("message")},
	} {
		if err := open(t, c.url).Send(t.Context(), &alerts.Message{ID: "1", Alerts: []alerts.Alert{alert("down for <@here>")}}); err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		r := <-got
		text := c.text(r.body)
		if r.path != c.path || !strings.HasPrefix(text, "down for <\u200b@\u200bhere>\n\nSince 2027-01-15 08:00:00 UTC.\nIts name") || !strings.Contains(text, "https://status.test/#/incidents/1") {
			t.Errorf("%s: %s got %q in %s", c.url, r.path, text, r.body)
		}
	}
}

// A service that does not answer holds up no more than its own messages, and what becomes of the
// message under way is known to the next attempt.
func TestServiceThatHangs(t *testing.T) {
	release, asked := make(chan struct{}), atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			<-release
		}
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(server.Close)
	s := open(t, "generic://"+server.Listener.Addr().String()+"/token-of-the-hook?disabletls=yes")
	first, second := &alerts.Message{ID: "1", Alerts: []alerts.Alert{alert("a")}}, &alerts.Message{ID: "2", Alerts: []alerts.Alert{alert("b")}}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Send(ctx, first); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a service that hangs: %v", err)
	}
	if err := s.Send(t.Context(), second); err == nil || !strings.Contains(err.Error(), "message before") {
		t.Errorf("beside it: %v", err)
	}
	close(release)
	if err := s.Send(t.Context(), first); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if err := s.Send(t.Context(), second); err != nil {
		t.Errorf("the next: %v", err)
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("the service was asked %d times for two messages", n)
	}
}

// Errors say what happened without the secrets in the URL.
func TestErrorsHaveNoSecrets(t *testing.T) {
	status := http.StatusNotFound
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, r.URL.Path, status)
	}))
	t.Cleanup(server.Close)
	host := server.Listener.Addr().String()
	m := &alerts.Message{ID: "1", Alerts: []alerts.Alert{alert("a")}}
	for _, url := range []string{"ntfy://secret-user:secret-word@" + host + "/secret-topic?disabletls=yes", "ntfy://127.0.0.1:1/secret-topic?disabletls=yes",
		"generic://" + host + "/secret-path?disabletls=yes", "discord://secret"} { // the last one has no token
		err := open(t, url).Send(t.Context(), m)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
		}
	}
	if err := open(t, "ntfy://"+host+"/x?disabletls=yes").Send(t.Context(), m); !errors.Is(err, alerts.ErrRefused) {
		t.Errorf("404: %v", err)
	}
	status = http.StatusTooManyRequests
	if err := open(t, "ntfy://"+host+"/x?disabletls=yes").Send(t.Context(), m); err == nil || errors.Is(err, alerts.ErrRefused) {
		t.Errorf("429: %v", err)
	}
	for _, url := range []string{"", "secret", "secret://host", "logger://", "https://host/secret", "ntfy://\x7f"} {
		if _, err := New(url); err == nil || strings.Contains(err.Error(), "/secret") || strings.Contains(err.Error(), "host") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// Messages are within the limits of all services.
func TestLongMessages(t *testing.T) {
	long := alert(strings.Repeat("é", 3000))
	m := &alerts.Message{ID: "1", Page: "https://status.test"}
	for range 30 {
		m.Alerts = append(m.Alerts, alert("one of many"))
	}
	for _, text := range []string{textOf(&alerts.Message{Alerts: []alerts.Alert{long}}), textOf(m)} {
		if len(text) > maxText+3 || !utf8.ValidString(text) {
			t.Errorf("%d bytes: %.60q", len(text), text)
		}
	}
	if text := textOf(m); !strings.HasPrefix(text, "30 incidents\n- one of many\n") || !strings.HasSuffix(text, "and 20 more\nSee them: https://status.test") {
		t.Errorf("%s", text)
	}
}
