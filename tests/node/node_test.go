// Package node tests the npm package for Node.js as a program has it: packed and installed without
// a network, real clients whose connections break, and a real collector and detector.
package node

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/tests/source"
)

// project is a directory into which the tarball, undici and some versions of Node are installed.
var project string

// projectEnv names it to a test that runs again in namespaces of its own.
const projectEnv = "HELIOGRAPH_NODE_PROJECT"

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if project = os.Getenv(projectEnv); project != "" {
			return m.Run()
		}
		dir, err := os.MkdirTemp("", "heliograph-node-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		if err := install(dir); err != nil {
			panic(err)
		}
		return m.Run()
	}())
}

// install packs the package, and installs it and all that it is tried with into a fresh project.
func install(dir string) error {
	if err := source.ReadCore(); err != nil {
		return err
	}
	if err := source.Read("bindings/node/*.*", "bindings/node/lib/*", "wasm/core/*.go", "agent/diskspool/*.go", "cmd/libheliograph/heliograph.h"); err != nil {
		return err
	}
	project = filepath.Join(dir, "project")
	if err := os.CopyFS(project, os.DirFS("testdata")); err != nil {
		return err
	}
	build := exec.Command(filepath.Join(source.Root, "bindings/node/build.sh"), dir)
	build.Stderr = os.Stderr
	out, err := build.Output()
	if err != nil {
		return fmt.Errorf("packing: %w", err)
	}
	tarball := strings.TrimSpace(string(out))
	for _, args := range [][]string{
		{"ci", "--ignore-scripts", "--prefer-offline"},
		{"install", "--offline", "--no-save", tarball},
	} {
		npm := exec.Command("npm", append(args, "--no-audit", "--no-fund", "--silent")...)
		npm.Dir = project
		if out, err := npm.CombinedOutput(); err != nil {
			return fmt.Errorf("npm %v: %w: %s", args, err, out)
		}
	}
	return nil
}

// site is a collector and a detector in this process.
type site struct {
	*testing.T
	dir    string
	policy string // file
	store  model.Reader
}

// newSite starts one. The policy lists the collectors at before first.
func newSite(t *testing.T, before ...string) *site {
	t.Helper()
	collector := closedPort(t)
	list := ""
	for i, url := range append(before, "http://"+collector) {
		list += fmt.Sprintf("  - {id: c%d, url: %q, priority: %d, weight: 1, receipt_key: keys/receipt.pub.pem}\n", i, url, i+1)
	}
	return startSite(t, fmt.Sprintf("collector: {listen: %q}", collector), list, nil)
}

// startSite starts one with a configuration of the collector, collectors in its policy, and files
// beside these.
func startSite(t *testing.T, collector, list string, files map[string][]byte) *site {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "d")
	err := roles.Init(dir, roles.InitOptions{
		Config: []byte(collector + "\ndashboard: {listen: \"127.0.0.1:0\"}\noperations: {listen: \"127.0.0.1:0\"}\n"),
		Policy: []byte("success_fraction: 1\nseal_key: keys/seal.pem\nsigners: [keys/policy.pub.pem]\ncollectors:\n" + list),
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config, err := roles.Load(filepath.Join(dir, roles.ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	n, err := roles.New(t.Context(), roles.Options{Config: config, Roles: roles.Roles{Collector: true, Detector: true}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(n.Run)
	t.Cleanup(func() { _ = stop() })
	return &site{t, dir, filepath.Join(dir, "policy"), n.Store}
}

// closedPort returns an address on which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// run runs a program of testdata, and returns what it prints.
func run(t *testing.T, wantCode int, program string, args ...string) (stdout, stderr string) {
	t.Helper()
	return runWith(t, nil, "node", wantCode, program, args...)
}

// runWith does so with an interpreter, and variables of its environment.
func runWith(t *testing.T, env []string, node string, wantCode int, program string, args ...string) (stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, append([]string{program}, args...)...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = project, &out, &errs, append(os.Environ(), env...)
	_ = cmd.Run() // its code says it
	if code := cmd.ProcessState.ExitCode(); code != wantCode {
		t.Fatalf("%s: exit code %d: %s%s", program, code, &out, &errs)
	}
	return out.String(), errs.String()
}

// eventually asks until want is the answer, or a minute is over.
func eventually[T any](t *testing.T, ask func() (T, error), want func(T) bool) T {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		got, err := ask()
		if err == nil && want(got) || time.Now().After(deadline) {
			if err != nil {
				t.Error(err)
			}
			return got
		}
	}
}

// counts returns how often which outcome was counted, by target, once there are n requests.
func (s *site) counts(n float64) map[string]map[report.Outcome]float64 {
	s.Helper()
	return eventually(s.T, func() (map[string]map[report.Outcome]float64, error) {
		totals, err := s.store.Totals(s.Context(), model.TotalsQuery{Since: time.Now().Add(-time.Hour), By: model.DimensionsOf(model.ByTarget, model.ByOutcome)})
		all := make(map[string]map[report.Outcome]float64)
		for _, t := range totals {
			if all[t.Key.Target] == nil {
				all[t.Key.Target] = make(map[report.Outcome]float64)
			}
			all[t.Key.Target][t.Key.Outcome] += t.OK + t.Failed
		}
		return all, err
	}, func(all map[string]map[report.Outcome]float64) bool {
		var sum float64
		for _, outcomes := range all {
			for _, count := range outcomes {
				sum += count
			}
		}
		return sum >= n
	})
}

// samples returns the samples and errors that the detector has, once there are n.
func (s *site) samples(n int) []model.Sample {
	s.Helper()
	return eventually(s.T, func() ([]model.Sample, error) {
		return s.store.Samples(s.Context(), model.SampleQuery{Since: time.Now().Add(-time.Hour), Limit: 1000})
	}, func(all []model.Sample) bool { return len(all) >= n })
}
