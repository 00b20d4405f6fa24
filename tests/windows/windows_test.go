// Package windows tests the C library and the spool on Windows, as far as Wine is one: the DLL that
// bindings/c/windows.sh builds, in a C program with Windows Sockets, and tests of agent/diskspool.
//
// Wine 8 lacks two things that Go needs; both are shimmed here only. It has no
// bcryptprimitives.dll, and it cannot delete an open file as POSIX does, which Windows can since
// 2016. So these tests also see what Windows does on file systems such as FAT: a deleted file stays
// until it is closed.
package windows

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/tests/operator"
	"github.com/heliograph-net/heliograph/tests/source"
)

// wine is Debian's, of package wine64, which needs no 32-bit system beside it.
const (
	wine     = "/usr/lib/wine/wine64"
	compiler = "x86_64-w64-mingw32-gcc"
)

// scratch is the directory of the test run.
var scratch string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if scratch, err = os.MkdirTemp("", "heliograph-windows-"); err != nil {
			panic(err)
		}
		defer os.RemoveAll(scratch)
		if err := prepare(); err != nil {
			panic(err)
		}
		defer func() { _ = inWine("/usr/lib/wine/wineserver64", "--kill").Run() }()
		return m.Run()
	}())
}

// inWine returns a command in this run's own Wine.
func inWine(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = scratch
	cmd.Env = append(os.Environ(), "WINEPREFIX="+filepath.Join(scratch, "wine"), "WINEDEBUG=-all", "WINEDLLOVERRIDES=mscoree,mshtml=")
	return cmd
}

// prepare makes Wine's directory, with the DLL that it lacks.
func prepare() error {
	if err := source.ReadCore(); err != nil {
		return err
	}
	if err := source.Read("bindings/c/*.sh", "cmd/libheliograph/*.*", "cmd/libheliograph/example/*.c", "agent/diskspool/*.go", "agent/httpagent/*.go"); err != nil {
		return err
	}
	for _, cmd := range []*exec.Cmd{
		inWine(wine, "wineboot.exe", "--init"),
		exec.Command(compiler, "-shared", "-o", filepath.Join(scratch, "wine/drive_c/windows/system32/bcryptprimitives.dll"), "testdata/bcryptprimitives.c", "-ladvapi32"),
	} {
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v (tests/setup.sh installs Wine and MinGW-w64): %w: %s", cmd, err, out)
		}
	}
	return nil
}

// shim returns flags for the go command with which a package gets a file that has Go delete open
// files as Wine can.
func shim(t *testing.T, pkg, file string) (overlay, ldflags string) {
	t.Helper()
	code, err := os.ReadFile("testdata/delete.go.txt")
	must(t, err)
	dir := t.TempDir()
	name := filepath.Join(dir, "delete.go")
	must(t, os.WriteFile(name, bytes.Replace(code, []byte("package x"), []byte("package "+pkg), 1), 0o600))
	root, err := filepath.Abs(source.Root)
	must(t, err)
	list, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, file): name}})
	must(t, err)
	overlay = filepath.Join(dir, "overlay.json")
	must(t, os.WriteFile(overlay, list, 0o600))
	return "-overlay=" + overlay, "-checklinkname=0"
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run runs a command for at most five minutes and returns what it prints.
func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	bounded := exec.CommandContext(ctx, cmd.Path, cmd.Args[1:]...)
	bounded.Dir, bounded.Env = cmd.Dir, cmd.Env
	// a file, because Wine's services inherit a pipe and keep it open
	printed, err := os.CreateTemp(t.TempDir(), "")
	must(t, err)
	defer printed.Close()
	bounded.Stdout, bounded.Stderr = printed, printed
	err = bounded.Run()
	out, _ := os.ReadFile(printed.Name())
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	return strings.ReplaceAll(string(out), "\r\n", "\n")
}

// TestLibrary: a C program counts what became of its connections while no collector can be reached,
// ends, and the next run delivers it with what that run saw itself.
func TestLibrary(t *testing.T) {
	overlay, ldflags := shim(t, "main", "cmd/libheliograph/delete_windows.go")
	build := exec.Command(filepath.Join(source.Root, "bindings/c/windows.sh"), scratch, overlay)
	build.Env = append(os.Environ(), "LDFLAGS="+ldflags)
	run(t, build)
	run(t, exec.Command(compiler, "-std=c99", "-Wall", "-Wextra", "-Werror", "-I"+scratch, filepath.Join(source.Root, "cmd/libheliograph/example/example.c"),
		"-o", filepath.Join(scratch, "example.exe"), "-L"+scratch, "-lheliograph", "-lws2_32"))

	s := operator.Prepare(t)
	policy, err := os.ReadFile(s.Policy)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(scratch, "policy"), policy, 0o600))
	_, port, _ := strings.Cut(probetest.ClosedPort(t), ":")
	example := func() string { return run(t, inWine(wine, "example.exe", "policy", "spool", port)) }
	if out := example(); !strings.HasSuffix(out, "3 requests observed, 1 segments remain\n") {
		t.Fatalf("without a collector it prints\n%s", out)
	}
	s.Start()
	// the example opts in again with each run, which deletes what was recorded before that; so what
	// waits is delivered by a program that has its user's consent from the start
	run(t, exec.Command(compiler, "-std=c99", "-Wall", "-Wextra", "-Werror", "-I"+scratch, "testdata/deliver.c",
		"-o", filepath.Join(scratch, "deliver.exe"), "-L"+scratch, "-lheliograph"))
	if out := run(t, inWine(wine, "deliver.exe", "policy", "spool")); out != "0 segments remain\n" {
		t.Fatalf("with a collector it prints\n%s", out)
	}
	target := "http://127.0.0.1:" + port
	if got := s.Counts(3); !maps.Equal(got[target], map[report.Outcome]float64{report.TCPRefused: 3}) {
		t.Errorf("counted %v, want three refused connections", got)
	}
	if left, _ := filepath.Glob(filepath.Join(scratch, "spool/*.seg")); len(left) > 0 {
		t.Errorf("delivered, but still there: %v", left)
	}
}

// spoolTests are those of agent/diskspool that say something about Windows. Others need names or
// deletions that only Windows itself has, or are slow under Wine.
const spoolTests = "^(TestSegmentsComeBackAsTheyWere|TestReadingLeavesNoTrace|TestGarbageBehindWholeFramesIsCutAway|TestLivingWritersAreLeftAlone|" +
	"TestFullOfLivingWriters|TestOldSegmentsExpire|TestBitRotIsCounted|TestOneUploader|TestStateIsSharedAndAtomic|TestHeldOpen.*|" +
	"TestPurgeLeavesTheNoticeAndAnEmptyBlobIsDeleted)$"

// TestSpool: the spool's own tests, and those of files that other programs hold open.
func TestSpool(t *testing.T) {
	overlay, ldflags := shim(t, "diskspool", "agent/diskspool/delete_test.go")
	build := exec.Command("go", "test", "-c", overlay, "-ldflags", ldflags, "-o", filepath.Join(scratch, "spool.exe"), "./agent/diskspool")
	build.Dir, build.Env = source.Root, append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=")
	run(t, build)
	out := run(t, inWine(wine, "spool.exe", "-test.v", "-test.run", spoolTests))
	if n := strings.Count(out, "\n--- PASS"); n < 12 {
		t.Errorf("%d tests passed\n%s", n, out)
	}
}
