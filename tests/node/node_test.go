// Package node tests the npm package for Node.js as a program has it: packed and installed without
// a network, real clients whose connections break, and a real collector and detector.
package node

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/tests/operator"
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
type site struct{ *operator.Site }

// newSite starts one. The policy lists the collectors at before first.
func newSite(t *testing.T, before ...string) *site {
	t.Helper()
	return &site{operator.New(t, before...)}
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
