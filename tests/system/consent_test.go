package system

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

// clients asks the API how many clients are known and how many samples there are.
func (s *site) clients() (clients, samples int, err error) {
	var totals []struct{ Clients int }
	var rows []json.RawMessage
	for path, into := range map[string]any{"totals?since=15m": &totals, "reports?since=15m": &rows} {
		b, err := s.get("http://" + s.dashboard + "/api/v1/" + path)
		if err == nil {
			err = json.Unmarshal(b, into)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	for _, t := range totals {
		clients += t.Clients
	}
	return clients, len(rows), nil
}

func (s *site) wantClients(clients, samples int) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("%d clients and %d samples", clients, samples), func() error {
		c, n, err := s.clients()
		if err == nil && (c != clients || n != samples) {
			err = fmt.Errorf("%d clients and %d samples", c, n)
		}
		return err
	})
}

func TestUserSeesWhatWasSentAndTakesItBack(t *testing.T) {
	s := newSite(t, "")
	spool := filepath.Join(t.TempDir(), "spool")
	get := func(consent string) string {
		_, stderr, _ := s.run("get", "--policy", s.policy(), "--spool", spool, "--consent", consent, refusedURL(t))
		return stderr
	}
	s.start("up", "--data", s.dir)
	get("diagnostics")
	s.wantClients(1, 1)
	log, stderr, code := s.run("sent", "--spool", spool)
	for _, want := range []string{"went to collector c1", "1 request to https://127.0.0.1:", "tcp.refused", "GET https://127.0.0.1:", "/marked-path/:id"} {
		if code != 0 || !strings.Contains(log, want) {
			t.Errorf("sent: exit %d, no %q in %s%s", code, want, log, stderr)
		}
	}
	if hits, files := grep(t, spool, "127.0.0.1", "marked", "tcp.refused"); files == 0 || len(hits) > 0 {
		t.Errorf("of %d files of the spool, readable: %v", files, hits)
	}
	get("off")
	// Sums over all clients stay, and so does how many there were: a sketch, which names nobody.
	s.wantClients(1, 0)
	s.wantFailed("tcp.refused", 1)
	left, err := os.ReadDir(spool)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		if info, err := f.Info(); err != nil || info.Size() > 0 {
			t.Errorf("%s stays, %v", f.Name(), err)
		}
	}
	if log, _, _ := s.run("sent", "--spool", spool); !strings.Contains(log, "Nothing was sent") {
		t.Errorf("sent says %q", log)
	}
}

func TestApplicationErrorsAreShownAndAreNoRequests(t *testing.T) {
	s := newSite(t, "")
	s.start("up", "--data", s.dir)
	policy, err := os.ReadFile(s.policy())
	if err != nil {
		t.Fatal(err)
	}
	spool, err := diskspool.Open(filepath.Join(t.TempDir(), "spool"), diskspool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := agent.New(agent.Options{App: "shop", Version: "1.2", Policy: policy, Consent: report.Diagnostics, Spool: spool,
		Transport: httpagent.NewTransport(httpagent.TransportOptions{})})
	if err != nil {
		t.Fatal(err)
	}
	a.CaptureError(t.Context(), fmt.Errorf("loading the cart of bob@shop.example: %w", os.ErrNotExist))
	func() {
		defer func() { _ = recover() }()
		defer a.Recover()
		panic(errors.New("no stock"))
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := a.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	s.wantClients(0, 2)
	table, stderr, code := s.run("query", "--api", "http://"+s.dashboard, "--type", "app")
	for _, want := range []string{"app.error", "app.panic", "loading the cart of [email]: file does not exist", "no stock"} {
		if code != 0 || !strings.Contains(table, want) {
			t.Errorf("query: exit %d, no %q in\n%s%s", code, want, table, stderr)
		}
	}
	b, err := s.get("http://" + s.dashboard + "/api/v1/reports?type=app.panic")
	if err != nil || !strings.Contains(string(b), `"stack":"github.com/heliograph-net/heliograph/tests/system.TestApplicationErrors`) {
		t.Errorf("reports: %s, %v; want the stack", b, err)
	}
	for _, outcome := range []string{"app.error", "app.panic"} {
		if n, err := s.failed(outcome); n != 0 || err != nil {
			t.Errorf("%v requests failed with %s, %v", n, outcome, err)
		}
	}
}
