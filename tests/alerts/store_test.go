// Package alerts tells real receivers of incidents in a real store: Alertmanager, a mail server, a
// program that checks signatures; and it kills the process that does.
package alerts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// outbox is a detector's state as package alerts knows it.
type outbox struct{ detector.State }

func (o outbox) Outbox(ctx context.Context, after uint64, limit int) ([]alerts.Event, error) {
	events, err := o.State.Outbox(ctx, after, limit)
	all := make([]alerts.Event, len(events))
	for i, e := range events {
		all[i] = alerts.Event{Number: e.Number, Bin: e.Bin, Event: e.Event}
	}
	return all, err
}

// incident is one that began now.
func incident(id int64, v model.Verdict) model.Incident {
	return model.Incident{ID: id, App: "shop", Target: "https://shop.test", Outcome: report.TCPRefused, Verdict: v, Since: time.Now().Truncate(time.Millisecond),
		Scope: model.Scope{ASNs: []uint32{64502}}, Failed: 40, Requests: 40, Expected: 0.4, Clients: 31,
		Title:    fmt.Sprintf("tcp.refused for https://shop.test from AS64502 (Harbour Net): 40 of 40 requests fail, 31 clients (%d)", id),
		Evidence: []model.Signal{{Code: model.SignalExcess, Text: "40 of 40 requests failed where 0.4 were to be expected"}}}
}

// save judges a bin.
func save(t *testing.T, state detector.State, kind model.EventKind, incidents ...model.Incident) {
	t.Helper()
	step := detector.Step{Bin: time.Now()}
	for _, i := range incidents {
		if kind == model.Cleared {
			i.Until = time.Now()
		}
		step.Events = append(step.Events, model.Event{Kind: kind, Incident: i})
	}
	if err := state.SaveStep(context.Background(), step); err != nil {
		t.Fatal(err)
	}
}

// notify tells receivers of what the state that it returns has, until the test ends.
func notify(t *testing.T, receivers ...alerts.Receiver) detector.State {
	t.Helper()
	events, state, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := alerts.New(alerts.Options{Store: outbox{state}, Muted: roles.Muted(state, nil), Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Settings: alerts.Settings{Receivers: receivers, Page: "https://page.test", Runbooks: "https://runbooks.test"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, state.Close(), events.Close()); err != nil {
			t.Error(err)
		}
	})
	return state
}

// config is a configuration with some receivers, in YAML, and files beside it.
func config(t *testing.T, receivers string, files map[string]string) *roles.Config {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, roles.ConfigName)
	if err := os.WriteFile(path, []byte("alerts:\n  page: https://page.test\n  receivers:\n"+receivers), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := roles.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// until waits for something to become true.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(40 * time.Second); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 40 s: %s", what)
		}
	}
}
