// Command build builds the browser agent and writes the files that a page needs into a directory:
//
//	go run github.com/heliograph-net/heliograph/wasm/build heliograph
//
// It works in any module that requires this one and does not write to the module cache. The build
// is reproducible: the same sources and the same version of Go give the same bytes.
package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/heliograph-net/heliograph/wasm"
)

func main() {
	if len(os.Args) != 2 || strings.HasPrefix(os.Args[1], "-") {
		fmt.Fprintln(os.Stderr, "usage: build DIRECTORY")
		os.Exit(2)
	}
	if err := build(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "building the browser's agent:", err)
		os.Exit(1)
	}
}

// scripts are the files that the repository has.
var scripts = []string{"heliograph.js", "heliograph.cjs", "heliograph.worker.js", "heliograph.d.ts", "heliograph.d.cts", "licenses.txt"}

func build(dir string) error {
	module, err := compile()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range scripts {
		b, err := fs.ReadFile(wasm.Files(), name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "heliograph.wasm.gz"), module, 0o644)
}

// flags make the module small: no paths and no debugging data (-trimpath, -s -w), and no inlining,
// which would make it faster but 6 % larger when compressed.
var flags = []string{"-trimpath", "-ldflags=-s -w", "-gcflags=all=-l"}

// compile returns the WebAssembly module, compressed.
func compile() ([]byte, error) {
	root, err := sources()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "heliograph-wasm")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	module := filepath.Join(dir, "heliograph.wasm")
	args := slices.Concat([]string{"build", "-o", module}, flags)
	if name, err := overlay(dir); err == nil {
		args = append(args, "-overlay", name)
	} else {
		fmt.Fprintln(os.Stderr, "building the browser's agent with code that it does not need, so it will be larger:", err)
	}
	cmd := exec.Command("go", append(args, "./wasm/core")...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOWORK=off")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(module)
	if err != nil {
		return nil, err
	}
	if small, err := shrink(b); err == nil {
		b = small
	} else {
		fmt.Fprintln(os.Stderr, "building the browser's agent with what only debuggers need, so it will be larger:", err)
	}
	return compress(b)
}

// sources returns the directory of this module, which may be in the module cache. The build runs
// there, so that it uses this module's go.mod and not that of the caller.
func sources() (string, error) {
	const path = "github.com/heliograph-net/heliograph"
	cmd := exec.Command("go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", path)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("looking for the sources: %w", err)
	}
	dir := strings.TrimSpace(string(out))
	if dir == "" {
		return "", fmt.Errorf("the sources are not there: run go mod download %s", path)
	}
	return dir, nil
}

// compress compresses b without a time and a name, so that builds are reproducible.
func compress(b []byte) ([]byte, error) {
	var z bytes.Buffer
	w, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return z.Bytes(), nil
}
