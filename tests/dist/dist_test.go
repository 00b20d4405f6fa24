// Package dist builds a release and installs it where nothing of it has been before.
package dist

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/tests/source"
)

// TestRelease makes a release as docs/release.md says, twice, from two copies of the source in
// different places, and uses what it has built: package, image, archives.
func TestRelease(t *testing.T) {
	here, there := copySource(t), copySource(t)
	first, second := release(t, here), build(t, there)
	names := files(t, first)
	for _, want := range []string{`^heliograph-[0-9a-z.-]+-linux-amd64\.tar\.gz$`, `^heliograph-[0-9a-z.-]+-linux-arm64\.tar\.gz$`, `_arm64\.deb$`, `^heliograph-client-.*-linux-amd64\.tar\.gz$`, `_amd64\.deb$`, `\.oci\.tar$`,
		`\.cdx\.json$`, `^SHA256SUMS$`, `^SHA256SUMS\.sig$`} {
		if !regexp.MustCompile(`(?m)` + want).MatchString(strings.Join(names, "\n")) {
			t.Errorf("no %s among %v", want, names)
		}
	}
	for _, name := range names {
		if name == "SHA256SUMS.sig" { // of another key
			continue
		}
		if x, y := sum(t, filepath.Join(first, name)), sum(t, filepath.Join(second, name)); x != y {
			t.Errorf("%s is %s and %s: the same source gives other bytes", name, x, y)
		}
	}
	verifySums(t, first)
	t.Run("bill of materials", func(t *testing.T) { testBill(t, one(t, first, "*.cdx.json")) })
	t.Run("client", func(t *testing.T) { testClient(t, one(t, first, "heliograph-client-*.tar.gz")) })
	t.Run("image", func(t *testing.T) { testImage(t, one(t, first, "*.oci.tar")) })
	t.Run("package", func(t *testing.T) { testPackage(t, one(t, first, "*_amd64.deb")) })
	t.Run("shells", func(t *testing.T) { testShells(t, one(t, first, "*_amd64.deb")) })
	t.Run("arm64", func(t *testing.T) { testARM(t, one(t, first, "heliograph-[0-9]*-linux-arm64.tar.gz")) })
	t.Run("lintian", func(t *testing.T) { testPolicy(t, first) })
}

// copySource copies what git knows of the source, as it is now, to a place of its own.
func copySource(t *testing.T) (dir string) {
	t.Helper()
	if err := source.Read("deploy/dist/*.*", "deploy/dist/deb/*", "deploy/dist/image/*", "deploy/systemd/*", "cmd/heliograph/*.go"); err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "src")
	list := run(t, source.Root, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	for name := range strings.SplitSeq(strings.TrimSuffix(list, "\x00"), "\x00") {
		info, err := os.Lstat(filepath.Join(source.Root, name))
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
			continue // deleted and not committed, or the link between the modules
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(source.Root, name))
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, info.Mode().Perm())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// verifySums checks the signature and the sums as docs/install.md says.
func verifySums(t *testing.T, dir string) {
	t.Helper()
	run(t, dir, "sha256sum", "--check", "--strict", "SHA256SUMS")
	cmd := exec.CommandContext(t.Context(), "ssh-keygen", "-Y", "verify", "-f", "../signers", "-I", "release@heliograph.test", "-n", "heliograph-release", "-s", "SHA256SUMS.sig")
	cmd.Dir = dir
	sums, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = bytes.NewReader(sums)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the signature: %v: %s", err, out)
	}
}

// testBill checks that the bill of materials names what the binary links.
func testBill(t *testing.T, name string) {
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var bill struct {
		Format     string                        `json:"bomFormat"`
		Components []struct{ Name, Purl string } `json:"components"`
	}
	if err := json.Unmarshal(text, &bill); err != nil || bill.Format != "CycloneDX" {
		t.Fatalf("%q, %v", bill.Format, err)
	}
	var all []string
	for _, c := range bill.Components {
		all = append(all, c.Name)
	}
	for _, want := range []string{"github.com/mattn/go-sqlite3", "github.com/alecthomas/kong", "std"} {
		if !strings.Contains(strings.Join(all, "\n"), want) {
			t.Errorf("%s is not among %v", want, all)
		}
	}
	if bytes.Contains(text, []byte(`"timestamp"`)) || bytes.Contains(text, []byte(`"serialNumber"`)) {
		t.Error("it has a time or a serial number, which differ in every build")
	}
}

// testClient checks that the client runs without any library, and says what it lacks.
func testClient(t *testing.T, archive string) {
	dir := t.TempDir()
	run(t, dir, "tar", "-xzf", archive, "--strip-components", "1")
	if out := run(t, dir, "./heliograph", "--version"); !strings.HasPrefix(out, "heliograph ") {
		t.Errorf("--version says %q", out)
	}
	if out, err := exec.CommandContext(t.Context(), "ldd", filepath.Join(dir, "heliograph")).CombinedOutput(); err == nil {
		t.Errorf("it needs libraries: %s", out)
	}
}

// testARM runs the binary for arm64 in an emulator.
func testARM(t *testing.T, archive string) {
	dir := t.TempDir()
	run(t, dir, "tar", "-xzf", archive, "--strip-components", "1")
	if out := run(t, dir, "qemu-aarch64-static", "./heliograph", "--version"); !strings.HasSuffix(strings.TrimSpace(out), "linux/arm64") {
		t.Errorf("--version says %q", out)
	}
	// All roles at once, with SQLite, which is in C. The demonstration would start itself again,
	// which only the kernel could emulate.
	run(t, dir, "qemu-aarch64-static", "./heliograph", "init", "d")
	config := "collector: {listen: \"127.0.0.1:0\"}\ndashboard: {listen: \"127.0.0.1:0\"}\noperations: {listen: \"127.0.0.1:0\"}\n"
	if err := os.WriteFile(filepath.Join(dir, "d", "heliograph.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "qemu-aarch64-static", filepath.Join(dir, "heliograph"), "up", "--data", filepath.Join(dir, "d"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	ready := ""
	for lines := bufio.NewScanner(stdout); ready == "" && lines.Scan(); {
		if url, ok := strings.CutPrefix(lines.Text(), "Operations  "); ok {
			ready = url
		}
	}
	resp, err := http.Get(ready)
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s answers %s", ready, resp.Status)
	}
	if err := errors.Join(cmd.Process.Signal(os.Interrupt), cmd.Wait()); err != nil {
		t.Errorf("ending it: %v: %s", err, &stderr)
	}
}

// testPolicy holds the packages to Debian's policy, as lintian checks it. What it overrides, the
// package says itself, with the reason.
func testPolicy(t *testing.T, dir string) {
	for _, arch := range []string{"amd64", "arm64"} {
		out, err := exec.CommandContext(t.Context(), "lintian", "--allow-root", "--no-cfg", "--fail-on", "error,warning", one(t, dir, "*_"+arch+".deb")).CombinedOutput()
		if err != nil {
			t.Errorf("lintian: %v: %s", err, out)
		}
	}
}

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		names = append(names, f.Name())
	}
	return names
}

func one(t *testing.T, dir, pattern string) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v: want one %s", all, err, pattern)
	}
	return all[0]
}

func sum(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	s := sha256.Sum256(text)
	return hex.EncodeToString(s[:])
}

// run runs a command, which must succeed, and returns what it printed to standard output.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, &stderr)
	}
	return string(out)
}
