// Package sentry tests that applications which report to Sentry can report to a collector instead,
// with Sentry's own SDKs.
package sentry

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/getsentry/sentry-go"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/agenttest"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/internal/syncbuffer"
	"github.com/heliograph-net/heliograph/report"
)

const key = "0123456789abcdef0123456789abcdef"

// site is a collector and a detector that take the errors of one Sentry project.
type site struct {
	*roles.Process
	t   *testing.T
	dir string
	log *syncbuffer.Buffer
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: filepath.Join(t.TempDir(), "d"), log: new(syncbuffer.Buffer)}
	const any = `{listen: "127.0.0.1:0"}`
	config := fmt.Sprintf("collector: {listen: \"127.0.0.1:0\", sentry: {project: 7, key: %s}}\ndashboard: %s\noperations: %s\n", key, any, any)
	if err := roles.Init(s.dir, roles.InitOptions{Config: []byte(config)}); err != nil {
		t.Fatal(err)
	}
	c, err := roles.Load(filepath.Join(s.dir, roles.ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if s.Process, err = roles.New(t.Context(), roles.Options{Config: c, Roles: roles.Roles{Collector: true, Detector: true}, Logger: log}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// dsn is what an operator gives to an SDK.
func (s *site) dsn() string { return "http://" + key + "@" + s.CollectorAddr + "/7" }

func (s *site) get(addr, path string) []byte {
	s.t.Helper()
	resp, err := http.Get("http://" + addr + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s %s %v", path, resp.Status, b, err)
	}
	return b
}

// reports waits until the API shows n application errors.
func (s *site) reports(n int) (all []api.Report) {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if err := json.Unmarshal(s.get(s.DashboardAddr, "/api/v1/reports?type=app"), &all); err != nil {
			s.t.Fatal(err)
		}
		if len(all) >= n {
			return all
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%d application errors, want %d: %s", len(all), n, s.log)
		}
	}
}

// clean fails if anything that was marked as personal is kept, shown or logged.
func (s *site) clean() {
	s.t.Helper()
	places := map[string][]byte{
		"log": []byte(s.log.String()), "metrics": s.get(s.OperationsAddr, "/metrics"), "reports": s.get(s.DashboardAddr, "/api/v1/reports?type=app"),
	}
	if err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			places[path], err = os.ReadFile(path)
		}
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	if len(places) < 6 {
		s.t.Fatalf("only %d places to look at", len(places))
	}
	for where, b := range places {
		for _, secret := range []string{"SECRET", "4111111111111111", "203.0.113.9", "anna"} {
			if at := bytes.Index(b, []byte(secret)); at >= 0 {
				s.t.Errorf("%q is in %s: %q", secret, where, b[max(0, at-80):min(len(b), at+80)])
			}
		}
	}
}

// metric returns the line of a metric with all of these labels.
func (s *site) metric(name string, labels ...string) string {
	s.t.Helper()
lines:
	for line := range strings.Lines(string(s.get(s.OperationsAddr, "/metrics"))) {
		if !strings.HasPrefix(line, "heliograph_collector_"+name) {
			continue
		}
		for _, label := range labels {
			if !strings.Contains(line, label) {
				continue lines
			}
		}
		return strings.TrimSpace(line)
	}
	return ""
}

type cardError struct{}

func (cardError) Error() string { return "card 4111111111111111 of anna.SECRET@example.com refused" }

// pay fails, and tells both of it.
func pay(hub *sentry.Hub, a *agent.Agent) {
	func() {
		err := fmt.Errorf("paying: %w", cardError{})
		hub.CaptureException(err)
		a.CaptureError(context.Background(), err)
	}()
}

// TestGo: an error that sentry-go captures arrives as an application error, with the fingerprint
// that an agent gives it, and without anything personal.
func TestGo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	client, err := sentry.NewClient(sentry.ClientOptions{Dsn: s.dsn(), Release: "shop@1.2.3", Environment: "SECRET", ServerName: "SECRET", EnableTracing: true,
		TracesSampleRate: 1, DataCollection: new(sentry.DataCollection{})})
	if err != nil {
		t.Fatal(err)
	}
	hub := sentry.NewHub(client, sentry.NewScope())
	request, err := http.NewRequest("GET", "https://shop.example/SECRET", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Cookie", "SECRET")
	hub.Scope().SetRequest(request)
	hub.Scope().SetUser(sentry.User{ID: "SECRET", Email: "anna.SECRET@example.com", IPAddress: "203.0.113.9"})
	hub.Scope().SetTag("tag", "SECRET")
	hub.AddBreadcrumb(&sentry.Breadcrumb{Message: "SECRET"}, nil)

	op, err := agenttest.New()
	if err != nil {
		t.Fatal(err)
	}
	defer op.Close()
	a, err := agent.New(op.Options(report.Diagnostics))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Shutdown(t.Context())
	done := make(chan struct{})
	go func() { // sentry-go leaves out the functions of package testing
		defer close(done)
		pay(hub, a)
	}()
	<-done
	transaction := sentry.StartTransaction(sentry.SetHubOnContext(t.Context(), hub), "SECRET")
	transaction.Finish()
	if err := a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !client.Flush(30 * time.Second) {
		t.Fatal("sentry-go could not deliver")
	}

	got, own := s.reports(1)[0], op.Seen().Errors[0]
	if want := hex.EncodeToString(own.Fingerprint[:]); got.Fingerprint != want || got.ErrorType != own.Type {
		t.Errorf("fingerprint %s of %s; an agent has %s of %s", got.Fingerprint, got.ErrorType, want, own.Type)
	}
	if got.App != "shop" || got.Version != "1.2.3" || got.OS != "linux" || got.Count != 1 || got.Type != "app.error" ||
		got.Message != "paying: card [card] of [email] refused" || !strings.Contains(got.Stack, "\ngithub.com/heliograph-net/heliograph/tests/sentry.pay sentry_test.go:") {
		t.Errorf("report %+v", got)
	}
	s.clean()
	if line := s.metric("sentry_dropped_parts_total", `part="user"`); !strings.HasSuffix(line, " 1") {
		t.Errorf("dropped users: %q", line)
	}
}

// TestNode: the same with @sentry/node, as an application of its own.
func TestNode(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	dir := filepath.Join(t.TempDir(), "application")
	if err := os.CopyFS(dir, os.DirFS("testdata/node")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("npm", "ci", "--no-audit", "--no-fund", "--silent", "--ignore-scripts", "--prefer-offline")
	if id := run("node", "app.js", s.dsn()); len(id) != 32 {
		t.Errorf("the application said %q", id)
	}

	got := s.reports(1)[0]
	if got.App != "shop" || got.Version != "1.2.3" || got.OS != "linux" || got.Count != 1 || got.Type != "app.error" || got.ErrorType != "TypeError" ||
		got.Message != "card [card] of [email] refused" || !strings.HasPrefix(got.Stack, "pay app.js:18\n<anonymous> app.js:27\n") || len(got.Fingerprint) != 32 {
		t.Errorf("report %+v", got)
	}
	if n := len(s.reports(1)); n != 1 {
		t.Errorf("%d errors; the message was only to inform", n)
	}
	s.clean()
	for _, labels := range [][]string{{`kind="event"`, `result="stored"`}, {`kind="event"`, `result="level"`}, {`kind="span"`, `result="kind"`}} {
		if s.metric("sentry_items_total", labels...) == "" {
			t.Errorf("%v was not counted", labels)
		}
	}
	// it comes after the answer to the first span, which has asked for none
	if line := s.metric("sentry_items_total", `kind="session"`); line != "" {
		t.Errorf("%s; the SDK was asked to keep it", line)
	}
}
