//go:build unix

package diskspool_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/agenttest"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/report"
)

// TestDirectoriesThatCannotBeWritten: reports arrive all the same while there is a network, and
// without one Shutdown says what is lost, and why.
func TestDirectoriesThatCannotBeWritten(t *testing.T) {
	places := map[string]func(t *testing.T) (dir string, want error){
		"file in the way": func(t *testing.T) (string, error) {
			name := filepath.Join(t.TempDir(), "f")
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return filepath.Join(name, "spool"), syscall.ENOTDIR
		},
		"a file itself": func(t *testing.T) (string, error) {
			name := filepath.Join(t.TempDir(), "f")
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return name, nil // an error without a number
		},
		"no such system": func(t *testing.T) (string, error) { return "/proc/self/heliograph", syscall.ENOENT },
		"somebody else's": func(t *testing.T) (string, error) {
			if os.Geteuid() == 0 {
				t.Skip("root may write everywhere")
			}
			return filepath.Join(readOnly(t), "spool"), syscall.EACCES
		},
		"made by somebody else": func(t *testing.T) (string, error) {
			if os.Geteuid() == 0 {
				t.Skip("root may write everywhere")
			}
			return readOnly(t), syscall.EACCES
		},
	}
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			for _, online := range []bool{true, false} {
				dir, want := place(t)
				op := agenttest.For(t)
				if !online {
					op.Unreachable()
				}
				spool, err := diskspool.Open(dir, diskspool.Options{})
				if err != nil {
					t.Fatal(err)
				}
				o := op.Options(report.Counts)
				var told atomic.Bool
				o.Spool, o.OnEvent = spool, func(e agent.Event) {
					if e.Kind == agent.EventNotStored && (want == nil || errors.Is(e.Err, want)) {
						told.Store(true)
					}
				}
				a, err := agent.New(o)
				if err != nil {
					t.Fatal(err)
				}
				a.Observe(agent.Observation{Scheme: "https", Host: "shop.example", Outcome: report.TCPRefused})
				err = a.Shutdown(t.Context())
				remain, _ := errors.AsType[*agent.RemainError](err)
				switch n := op.Seen().Count("", report.TCPRefused); {
				case !told.Load():
					t.Errorf("no event tells %v", want)
				case online && (n != 1 || remain != nil && remain.Unstored != 0):
					t.Errorf("%d requests arrived, want 1; %v", n, err)
				case !online && (remain == nil || remain.Unstored != 1 || want != nil && !errors.Is(err, want)):
					t.Errorf("Shutdown says %v", err)
				}
			}
		})
	}
}

func readOnly(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	return dir
}
