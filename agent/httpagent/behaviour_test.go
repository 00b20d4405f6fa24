package httpagent_test

import (
	"net/http"
	"testing"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/agenttest"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

// TestBehaviour: a wrapped transport behaves as the bare one, whatever the user allows.
func TestBehaviour(t *testing.T) {
	op := agenttest.For(t)
	for name, a := range map[string]*agent.Agent{"none": nil, "off": op.Start(t, report.Off), "diagnostics": op.Start(t, report.Diagnostics)} {
		t.Run(name, func(t *testing.T) {
			agenttest.TestRoundTripper(t, func(base http.RoundTripper) http.RoundTripper { return httpagent.Wrap(a, base) })
		})
	}
}
