package diskspool_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/agenttest"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/report"
)

// TestRelativeDirectoryStaysWhereItWas: an application that changes its working directory has one
// spool all the same, and withdrawing consent leaves nothing in it.
func TestRelativeDirectoryStaysWhereItWas(t *testing.T) {
	home, elsewhere := t.TempDir(), t.TempDir()
	t.Chdir(home)
	spool, err := diskspool.Open(filepath.Join("cache", "..", "spool"), diskspool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	op := agenttest.For(t)
	op.Unreachable()
	o := op.Options(report.Diagnostics)
	o.Spool = spool
	a, err := agent.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Shutdown(t.Context())
	for i, dir := range []string{home, elsewhere, "/"} {
		t.Chdir(dir)
		a.CaptureError(t.Context(), os.ErrInvalid)
		a.Seal()
		if n := a.Stats().Sealed; n != uint64(i+1) {
			t.Fatalf("%d records sealed in %s, want %d", n, dir, i+1)
		}
	}
	a.SetConsent(report.Off)
	left, err := os.ReadDir(filepath.Join(home, "spool"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		if info, err := f.Info(); err != nil || info.Size() > 0 {
			t.Errorf("left %v, %v", f, err)
		}
	}
	if left, _ := os.ReadDir(elsewhere); len(left) != 0 {
		t.Errorf("left %v in the other directory", left)
	}
}
