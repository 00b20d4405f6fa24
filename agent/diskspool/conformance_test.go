package diskspool_test

import (
	"path/filepath"
	"testing"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/agenttest"
	"github.com/heliograph-net/heliograph/agent/diskspool"
)

func TestSpoolKeepsTheRules(t *testing.T) {
	agenttest.TestSpool(t, func(t *testing.T, b agenttest.Bounds) func() (agent.Spool, error) {
		dir := filepath.Join(t.TempDir(), "spool")
		return func() (agent.Spool, error) {
			return diskspool.Open(dir, diskspool.Options{MaxBytes: b.MaxBytes, MaxSegments: b.MaxSegments, MaxAge: b.MaxAge})
		}
	})
}
