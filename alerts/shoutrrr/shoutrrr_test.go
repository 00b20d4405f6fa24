package shoutrrr

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
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

// gate is a server that answers when it is let.
type gate struct {
	asked  chan struct{} // has a value for each request
	answer chan struct{} // a request is answered for each value
	open   func()        // answers all requests from now on
	url    string
}

func newGate(t *testing.T) *gate {
	g := &gate{asked: make(chan struct{}, 2*maxUnended), answer: make(chan struct{})}
	g.open = sync.OnceFunc(func() { close(g.answer) })
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.asked <- struct{}{}
		select {
		case <-g.answer:
			_, _ = io.WriteString(w, "{}")
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(g.open)
	g.url = "generic://" + server.Listener.Addr().String() + "/token-of-the-hook?disabletls=yes"
	return g
}

// hang sends a message and gives it up when the server has been asked.
func (g *gate) hang(t *testing.T, s *Sender, m *alerts.Message) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- s.Send(ctx, m) }()
	select {
	case <-g.asked:
	case err := <-result:
		return err
	}
	cancel()
	return <-result
}

// wait waits until n services are at work that nobody waits for.
func wait(t *testing.T, s *Sender, n int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); s.Unended() != n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d services have not ended, want %d", s.Unended(), n)
		}
	}
}

// A service that does not answer costs a message no more than its time: the same message and others
// are tried again beside it. If it answers after all, the message is not sent again.
func TestServiceThatHangs(t *testing.T) {
	g := newGate(t)
	s := open(t, g.url)
	first, second := &alerts.Message{ID: "1", Alerts: []alerts.Alert{alert("a")}}, &alerts.Message{ID: "2", Alerts: []alerts.Alert{alert("b")}}
	for _, m := range []*alerts.Message{first, second, first} {
		if err := g.hang(t, s, m); !errors.Is(err, context.Canceled) {
			t.Errorf("a service that hangs: %v", err)
		}
	}
	if n := s.Unended(); n != 3 {
		t.Errorf("%d services have not ended, want 3", n)
	}
	g.open()
	wait(t, s, 0)
	for _, m := range []*alerts.Message{first, second} {
		if err := s.Send(t.Context(), m); err != nil || len(g.asked) > 0 {
			t.Errorf("what was delivered after its time: %v, %d requests", err, len(g.asked))
		}
	}
	if err := s.Send(t.Context(), &alerts.Message{ID: "3", Alerts: []alerts.Alert{alert("c")}}); err != nil || len(g.asked) != 1 {
		t.Errorf("the next message: %v, %d requests", err, len(g.asked))
	}
}

// An attempt that ends when its time is over is not counted as one that has not ended.
func TestEndsWhenItsTimeIsOver(t *testing.T) {
	s := open(t, "generic+http://127.0.0.1:9/")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := &attempt{id: "1", done: make(chan struct{})}
	s.end(a, nil, nil)
	if err := s.leave(ctx, a); err != nil || s.Unended() != 0 {
		t.Errorf("%v, %d have not ended", err, s.Unended())
	}
}

// The services that are left at work are bounded. Sending goes on as soon as one of them has ended.
func TestManyServicesThatHang(t *testing.T) {
	g := newGate(t)
	s := open(t, g.url)
	m := &alerts.Message{ID: "1", Alerts: []alerts.Alert{alert("a")}}
	for range maxUnended {
		if err := g.hang(t, s, m); !errors.Is(err, context.Canceled) {
			t.Fatalf("a service that hangs: %v", err)
		}
	}
	other := &alerts.Message{ID: "2", Alerts: []alerts.Alert{alert("b")}}
	if err := g.hang(t, s, other); err == nil || !strings.Contains(err.Error(), "16 attempts") {
		t.Errorf("one more: %v", err)
	}
	g.answer <- struct{}{}
	wait(t, s, maxUnended-1)
	if err := g.hang(t, s, other); !errors.Is(err, context.Canceled) {
		t.Errorf("when one has ended: %v", err)
	}
}

// Services that have no limit of their own end by that of http.DefaultClient.
func TestServicesEndWithTheDefaultClient(t *testing.T) {
	old := http.DefaultClient.Timeout
	t.Cleanup(func() { http.DefaultClient.Timeout = old })
	http.DefaultClient.Timeout = 50 * time.Millisecond
	g := newGate(t)
	host := strings.TrimPrefix(strings.TrimSuffix(g.url, "/token-of-the-hook?disabletls=yes"), "generic://")
	for _, url := range []string{g.url, "bark://:key@" + host + "?scheme=http"} {
		if err := open(t, url).Send(t.Context(), &alerts.Message{ID: "1", Alerts: []alerts.Alert{alert("a")}}); err == nil {
			t.Errorf("%s: no error", url)
		}
	}
}

// Errors say what happened without the secrets in the URL.
func TestErrorsHaveNoSecrets(t *testing.T) {
	status := http.StatusBadRequest
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
		t.Errorf("400: %v", err)
	}
	for _, status = range []int{http.StatusTooManyRequests, http.StatusNotFound, http.StatusUnauthorized} {
		if err := open(t, "ntfy://"+host+"/x?disabletls=yes").Send(t.Context(), m); err == nil || errors.Is(err, alerts.ErrRefused) {
			t.Errorf("%d: %v", status, err)
		}
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
