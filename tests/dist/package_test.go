package dist

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// root is the root directory of a Debian system in which nothing was installed but what all have,
// and systemd.
type root struct {
	t   *testing.T
	dir string
}

func newRoot(t *testing.T) *root {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "root")
	run(t, "", "mmdebstrap", "--quiet", "--variant=minbase", "--include=systemd,procps", codename(t), dir)
	return &root{t, dir}
}

// codename is that of this machine's Debian, or of the oldest that the package is for.
func codename(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/etc/os-release")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_CODENAME="); ok && strings.Contains(string(text), "\nID=debian\n") {
			return name
		}
	}
	return "bookworm"
}

// sh runs a script in the root, with processes of its own.
func (r *root) sh(script string) string {
	r.t.Helper()
	args := []string{"--mount", "--pid", "--fork", "--root=" + r.dir, "--mount-proc", "--", "sh", "-euc", script}
	if os.Geteuid() != 0 {
		args = append([]string{"--map-root-user"}, args...)
	}
	cmd := exec.CommandContext(r.t.Context(), "unshare", args...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TMPDIR=/tmp", "DEBIAN_FRONTEND=noninteractive"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// testPackage installs, uses, upgrades, removes and purges the package.
func testPackage(t *testing.T, deb string) {
	r := newRoot(t)
	text, err := os.ReadFile(deb)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, "tmp/heliograph.deb"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	r.sh("dpkg --install /tmp/heliograph.deb")
	if out := r.sh("heliograph --version"); !strings.HasPrefix(out, "heliograph ") {
		t.Errorf("--version says %q", out)
	}
	// Every unit is one that systemd understands, and confines its service.
	r.sh("systemd-analyze --man=no verify /usr/lib/systemd/system/heliograph-*.service")
	for _, role := range []string{"collector", "detector", "prober", "relay"} {
		r.sh("systemd-analyze security --offline=true --threshold=20 /usr/lib/systemd/system/heliograph-" + role + ".service")
	}
	if out := r.sh("cd /tmp && heliograph demo --once --listen 127.0.0.1:0 2>&1"); !strings.Contains(out, "verified") {
		t.Errorf("the demonstration says %s", out)
	}
	// What a service has stored outlasts an upgrade and a removal, and nothing outlasts a purge.
	r.sh("mkdir -p /var/lib/private/heliograph && touch /var/lib/private/heliograph/inbox.db")
	r.sh("dpkg --install /tmp/heliograph.deb && test -e /var/lib/private/heliograph/inbox.db")
	r.sh("dpkg --remove heliograph && test -e /var/lib/private/heliograph/inbox.db && ! test -e /usr/bin/heliograph")
	r.sh("dpkg --purge heliograph")
	if left := r.sh("find / -xdev -name '*heliograph*' -not -path '/tmp/*' -not -path '/proc/*' -not -path '/var/log/*'"); left != "" {
		t.Errorf("a purge leaves %s", left)
	}
}
