package idbspool

import (
	"testing"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/agenttest"
)

func TestMemoryKeepsTheRules(t *testing.T) {
	agenttest.TestSpool(t, func(t *testing.T, b agenttest.Bounds) func() (agent.Spool, error) {
		m := newMemory()
		return func() (agent.Spool, error) { return newSpool(m, options(b)) }
	})
}

func options(b agenttest.Bounds) Options {
	return Options{MaxBytes: b.MaxBytes, MaxSegments: b.MaxSegments, MaxAge: b.MaxAge}
}
