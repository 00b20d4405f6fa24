package dist

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// descriptor points to a blob of an OCI image layout (image-spec, descriptor.md).
type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Platform  *struct{ Architecture, OS string }
}

// testImage unpacks an image as a container engine would, and runs it under a user of no name in a
// root that has nothing else and cannot be written to.
func testImage(t *testing.T, archive string) {
	dir := t.TempDir()
	run(t, dir, "tar", "-xf", archive)
	blob := func(d descriptor, v any) (name string) {
		t.Helper()
		name = filepath.Join(dir, "blobs", strings.Replace(d.Digest, ":", "/", 1))
		if got := "sha256:" + sum(t, name); got != d.Digest {
			t.Fatalf("a blob is %s, want %s", got, d.Digest)
		}
		if text, err := os.ReadFile(name); v != nil && (err != nil || json.Unmarshal(text, v) != nil) {
			t.Fatalf("%s: %v", name, err)
		}
		return name
	}
	var index struct{ Manifests []descriptor }
	text, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil || json.Unmarshal(text, &index) != nil || len(index.Manifests) != 1 {
		t.Fatalf("index.json: %v, %s", err, text)
	}
	var images struct{ Manifests []descriptor }
	blob(index.Manifests[0], &images)
	var platforms []string
	for _, m := range images.Manifests {
		if m.Platform != nil {
			platforms = append(platforms, m.Platform.Architecture)
		}
	}
	if !slices.Equal(platforms, []string{"amd64", "arm64"}) {
		t.Fatalf("images of %v: want amd64 and arm64", platforms)
	}
	var manifest struct {
		Config descriptor
		Layers []descriptor
	}
	blob(images.Manifests[0], &manifest)
	var config struct {
		Config struct {
			User        string
			Entrypoint  []string
			WorkingDir  string
			Env         []string
			Healthcheck struct{ Test []string }
		} `json:"config"`
	}
	blob(manifest.Config, &config)
	c := config.Config
	if c.User != "65532:65532" || !slices.Equal(c.Entrypoint, []string{"/heliograph"}) || !slices.Equal(c.Healthcheck.Test, []string{"CMD", "/heliograph", "health"}) {
		t.Errorf("%+v", c)
	}
	root := filepath.Join(t.TempDir(), "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, l := range manifest.Layers {
		run(t, root, "tar", "-xf", blob(l, nil), "--no-same-owner")
	}
	for _, name := range []string{"proc", "dev"} { // as engines do
		if err := os.Mkdir(filepath.Join(root, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	run(t, "", "chmod", "-R", "a+rX", root)
	run(t, "", "chmod", "1777", filepath.Join(root, "tmp"))
	// bubblewrap mounts the root read-only, with a /tmp of its own, and drops every capability.
	cmd := exec.CommandContext(t.Context(), "bwrap", "--unshare-all", "--die-with-parent", "--cap-drop", "ALL", "--uid", "65532", "--gid", "65532",
		"--ro-bind", root, "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--clearenv", "--setenv", "TMPDIR", "/tmp", "--setenv", "HOME", "/tmp", "--chdir", "/tmp",
		"/heliograph", "demo", "--once")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "verified") {
		t.Errorf("%v: %s", err, out)
	}
}
