// Command build builds the browser's agent, from the module's root:
//
//	go run ./wasm/internal/build
//
// writes wasm/dist/heliograph.wasm.gz. The same sources and the same Go give the same bytes. This
// is the one place where the flags are.
package main

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// flags make the module small: no paths and no debugging data (-trimpath, -s -w), and no inlined
// calls, which would make it faster, and 8 % larger when compressed.
var flags = []string{"-trimpath", "-ldflags=-s -w", "-gcflags=all=-l"}

func main() {
	out := flag.String("o", filepath.Join("wasm", "dist", "heliograph.wasm.gz"), "`file` to write; the module compressed with gzip if it ends with .gz")
	pkg := flag.String("package", "./wasm/core", "what to build")
	flag.Parse()
	if err := build(*pkg, *out); err != nil {
		fmt.Fprintln(os.Stderr, "building the browser's agent:", err)
		os.Exit(1)
	}
}

func build(pkg, out string) error {
	dir, err := os.MkdirTemp("", "heliograph-wasm")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	module := filepath.Join(dir, "heliograph.wasm")
	args := slices.Concat([]string{"build", "-o", module}, flags)
	if name, err := overlay(dir); err == nil {
		args = append(args, "-overlay", name)
	} else {
		fmt.Fprintln(os.Stderr, "building the browser's agent with curves that it does not need, so it will be larger:", err)
	}
	cmd := exec.Command("go", append(args, pkg)...)
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return err
	}
	b, err := os.ReadFile(module)
	if err != nil {
		return err
	}
	if strings.HasSuffix(out, ".gz") {
		if b, err = compress(b); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	return os.WriteFile(out, b, 0o644)
}

// compress leaves out the time and the name, which would make every build another one.
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
