// Package outcomes lets the agents for Go and C meet the servers of package faults, for
// docs/outcomes.md.
package outcomes

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/heliograph-net/heliograph/agent/agenttest"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/tests/faults"
)

// TestGo: net/http with package httpagent.
func TestGo(t *testing.T) {
	servers := faults.Start(t)
	operator := agenttest.For(t)
	a := operator.Start(t, report.Counts)
	pem, err := os.ReadFile(servers.Authority)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: httpagent.Wrap(a, transport)}
	for _, f := range servers.Faults {
		get(t, client, f)
	}
	if err := a.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := counted(t, operator, servers)
	for _, f := range servers.Faults {
		if got[f.Name] != f.Go && (f.URL != faults.NoName || faults.Resolves()) {
			t.Errorf("%s: %q, want %q", f.Name, got[f.Name], f.Go)
		}
	}
	if !t.Failed() {
		servers.Check(t, "Go", faults.Seen{"net/http": got})
	}
}

// counted returns the outcome that the one request to each server was counted with, by the fault's
// name.
func counted(t *testing.T, operator *agenttest.Operator, servers *faults.Servers) map[string]report.Outcome {
	t.Helper()
	targets := make(map[string]report.Outcome)
	for _, w := range operator.Seen().Windows {
		for _, c := range w.Counters {
			// what redirects lead to is what counts
			if c.Outcome != report.OK || targets[c.Target] == "" {
				targets[c.Target] = c.Outcome
			}
		}
	}
	got := make(map[string]report.Outcome)
	for _, f := range servers.Faults {
		if got[f.Name] = targets[f.URL]; got[f.Name] == "" {
			t.Errorf("%s: not counted", f.Name)
		}
	}
	return got
}

// get asks a server and reads its answer to the end; what comes of it is for the agent.
func get(t *testing.T, client *http.Client, f faults.Fault) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), f.Patience())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}
