package agenttest_test

import (
	"testing"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/agenttest"
)

func TestSpoolKeepsTheRules(t *testing.T) {
	agenttest.TestSpool(t, func(_ *testing.T, b agenttest.Bounds) func() (agent.Spool, error) {
		s := agenttest.NewBoundedSpool(b)
		return func() (agent.Spool, error) { return s, nil }
	})
}
