package node

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/report"
)

// TestElectron: in a packaged application the core is found beside the archive that threads cannot
// read, and a window is told where the agent belongs.
func TestElectron(t *testing.T) {
	app := t.TempDir()
	archive, unpacked := filepath.Join(app, "app.asar", "node_modules", "heliograph-node"), filepath.Join(app, "app.asar.unpacked", "node_modules", "heliograph-node")
	for _, dir := range []string{archive, unpacked} {
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(project, "node_modules", "heliograph-node"))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"core.js", "wasm_exec.js", "heliograph.wasm"} {
		if err := os.Remove(filepath.Join(archive, "lib", name)); err != nil {
			t.Fatal(err)
		}
	}
	s := newSite(t)
	target := "http://" + probetest.ClosedPort(t)
	out, _ := run(t, 0, "electron.js", s.Policy, filepath.Join(t.TempDir(), "userData", "heliograph"), target, archive)
	if out != "pending 0 \n" {
		t.Errorf("it printed %q", out)
	}
	if got := s.Counts(1); !equal(got[target], map[report.Outcome]float64{report.TCPRefused: 1}) || len(got) != 1 {
		t.Errorf("counted %v", got)
	}
}
