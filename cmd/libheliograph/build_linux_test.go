//go:build cgo

package main

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

var scratch string // directory of the test run

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if scratch, err = os.MkdirTemp("", "libheliograph-"); err != nil {
			panic(err)
		}
		defer os.RemoveAll(scratch)
		return m.Run()
	}())
}

// The libraries. Each is built when the first test needs it.
var (
	sharedLibrary = sync.OnceValues(func() (string, error) { return library("shared/libheliograph.so", "-buildmode=c-shared") })
	staticLibrary = sync.OnceValues(func() (string, error) { return library("static/libheliograph.a", "-buildmode=c-archive") })
	asanLibrary   = sync.OnceValues(func() (string, error) { return library("asan/libheliograph.a", "-buildmode=c-archive", "-asan") })
)

func library(name string, flags ...string) (string, error) {
	name = filepath.Join(scratch, name)
	cmd := exec.Command("go", slices.Concat([]string{"build", "-o", name}, flags, []string{"."})...)
	cmd.Stderr = os.Stderr
	return name, cmd.Run()
}

func built(t *testing.T, library func() (string, error)) string {
	t.Helper()
	name, err := library()
	if err != nil {
		t.Fatalf("building %s: %v", name, err)
	}
	return name
}

// gcc runs the compiler with all warnings as errors.
func gcc(t *testing.T, args ...string) {
	t.Helper()
	for _, a := range args {
		if strings.HasSuffix(a, ".c") || strings.HasSuffix(a, ".h") {
			_, _ = os.ReadFile(a) // so that a change makes the go command run the tests again
		}
	}
	cmd := exec.CommandContext(t.Context(), "gcc", slices.Concat([]string{"-Wall", "-Wextra", "-Wconversion", "-Werror", "-I."}, args)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
}

// gccCan reports whether the compiler can compile an empty program with the flags.
func gccCan(t *testing.T, flags ...string) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "gcc", slices.Concat(flags, []string{"-o", filepath.Join(t.TempDir(), "empty"), "-"})...)
	cmd.Stdin = strings.NewReader("int main(void) { return 0; }\n")
	return cmd.Run() == nil
}

// program compiles a C program against a library.
func program(t *testing.T, source, library string, flags ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(source), ".c"))
	gcc(t, slices.Concat([]string{"-std=c99", "-D_GNU_SOURCE", "-pedantic", "-g", "-o", name, source}, flags,
		[]string{library, "-Wl,-rpath," + filepath.Dir(library), "-lpthread"})...)
	return name
}

// TestHeader: C99 and C++ compilers accept the header, and it is compatible with that of release
// 0.1.0.
func TestHeader(t *testing.T) {
	gcc(t, "-std=c99", "-pedantic", "-fsyntax-only", "testdata/abi.c")
	if gccCan(t, "-x", "c++") {
		gcc(t, "-std=c++11", "-pedantic", "-fsyntax-only", "-x", "c++", "testdata/abi.c")
		return
	}
	out, err := exec.CommandContext(t.Context(), "gcc", "-E", "-D__cplusplus=201103L", "heliograph.h").Output()
	if err != nil || !bytes.Contains(out, []byte(`extern "C"`)) {
		t.Errorf("nothing for C++ in the header: %v", err)
	}
}

// TestHeaderAgreesWithGo: the generated header and the one that is kept by hand agree, and the
// library has exactly the functions of the latter.
func TestHeaderAgreesWithGo(t *testing.T) {
	shared := built(t, sharedLibrary)
	generated, err := os.ReadFile(strings.TrimSuffix(shared, ".so") + ".h")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "_cgo_export.h"), generated, 0o600); err != nil {
		t.Fatal(err)
	}
	gcc(t, "-std=c11", "-I"+dir, "-fsyntax-only", "heliograph.c")

	header, err := os.ReadFile("heliograph.h")
	if err != nil {
		t.Fatal(err)
	}
	var declared, exported []string
	for _, m := range regexp.MustCompile(`(?m)^HG_API .*?\b(hg_\w+)\(`).FindAllSubmatch(header, -1) {
		declared = append(declared, string(m[1]))
	}
	f, err := elf.Open(shared)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		if s.Section != elf.SHN_UNDEF && strings.HasPrefix(s.Name, "hg_") {
			exported = append(exported, s.Name)
		}
	}
	slices.Sort(declared)
	slices.Sort(exported)
	if len(declared) != 10 || !slices.Equal(declared, exported) {
		t.Errorf("the header declares %q, the library exports %q", declared, exported)
	}
}

// TestVersion: the library and the command have the same version, which is that of the first entry
// of CHANGELOG.md. When it is released, the browser's package has it, too.
func TestVersion(t *testing.T) {
	find := func(file, pattern string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(pattern).FindSubmatch(text)
		if m == nil {
			t.Fatalf("%s: no %s", file, pattern)
		}
		return string(m[1])
	}
	library := find("heliograph.h", `#define HG_VERSION "(.+)"`)
	if command := find("../heliograph/version.go", `const version = "(.+)"`); library != command {
		t.Errorf("heliograph.h says %s, the command %s", library, command)
	}
	number, unreleased := strings.CutSuffix(library, "-dev")
	if entry := find("../../CHANGELOG.md", `(?m)^## (.+)$`); !strings.HasPrefix(entry, number+", ") || strings.HasSuffix(entry, "unreleased") != unreleased {
		t.Errorf("CHANGELOG.md begins with %q, the version is %s", entry, library)
	}
	if npm := find("../../wasm/npm/package.json", `"version": "(.+)"`); !unreleased && npm != number {
		t.Errorf("the browser's package is %s, the version %s", npm, library)
	}
}
