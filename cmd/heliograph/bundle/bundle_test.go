package bundle_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/bundle"
	"github.com/heliograph-net/heliograph/cmd/heliograph/doctor"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
)

// operator makes an operator's directory.
func operator(t *testing.T) bundle.Operator {
	t.Helper()
	o := bundle.Operator{Dir: filepath.Join(t.TempDir(), "operator")}
	if err := roles.Init(o.Dir, roles.InitOptions{}); err != nil {
		t.Fatal(err)
	}
	return o
}

// unpacked unpacks a bundle as tar would, and returns the directory and the names of its files.
func unpacked(t *testing.T, b *bundle.Bundle, err error) (dir string, names []string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	if _, err := b.WriteTo(&archive); err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewReader(&archive)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for r := tar.NewReader(zip); ; {
		h, err := r.Next()
		if err == io.EOF {
			return filepath.Join(root, "heliograph-"+b.Name), names
		}
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(root, filepath.FromSlash(h.Name))
		if h.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(name, 0o700); err != nil {
				t.Fatal(err)
			}
			continue
		}
		text, err := io.ReadAll(r)
		if err == nil {
			err = os.WriteFile(name, text, h.FileInfo().Mode().Perm())
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, strings.TrimPrefix(h.Name, "heliograph-"+b.Name+"/"))
	}
}

// sound checks a host's configuration as the host would.
func sound(t *testing.T, dir string, r roles.Roles) {
	t.Helper()
	c, err := roles.Load(filepath.Join(dir, roles.ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Check(r, time.Now()) {
		if f.Severity == doctor.Bad {
			t.Errorf("%s: %s", f.Subject, f.Text)
		}
	}
}

// TestEachHostGetsWhatItMayHave: each host gets exactly these files. A collector's host has nothing
// with which it could open a report, sign a policy or read another collector's feed.
func TestEachHostGetsWhatItMayHave(t *testing.T) {
	o := operator(t)
	c1, err1 := o.Collector("c1", "https://c1.example.net")
	c2, err2 := o.Collector("c2", "https://c2.example.org:8443")
	fra, err3 := o.Prober("fra-1", 64501)
	watch, err4 := o.Detector("watch")
	relay, err5 := o.Relay("r1", "c2", "")
	for _, tt := range []struct {
		bundle *bundle.Bundle
		err    error
		role   roles.Roles
		want   []string
	}{
		{c1, err1, roles.Roles{Collector: true}, []string{"START.txt", "heliograph-collector.service", "heliograph.yaml", "keys/feed.pub.pem", "keys/receipt.pem", "policy"}},
		{c2, err2, roles.Roles{}, []string{"START.txt", "heliograph-collector.service", "heliograph.yaml", "keys/feed.pub.pem", "keys/receipt.pem", "policy"}},
		{fra, err3, roles.Roles{Prober: true}, []string{"START.txt", "heliograph-prober.service", "heliograph.yaml", "policy"}},
		{watch, err4, roles.Roles{Detector: true}, []string{"START.txt", "heliograph-detector.service", "heliograph.yaml", "keys/feed.pem", "keys/open.pem"}},
	} {
		dir, names := unpacked(t, tt.bundle, tt.err)
		if !slices.Equal(names, tt.want) {
			t.Errorf("%s has %v, want %v", tt.bundle.Name, names, tt.want)
		}
		sound(t, dir, tt.role)
		for _, name := range names {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if secret := strings.HasSuffix(name, ".pem") && !strings.HasSuffix(name, ".pub.pem"); secret && info.Mode().Perm() != 0o600 {
				t.Errorf("%s of %s has mode %v", name, tt.bundle.Name, info.Mode())
			}
		}
	}
	dir, names := unpacked(t, relay, err5)
	if !slices.Equal(names, []string{"START.txt", "heliograph-relay.service", "keys/relay.pem", "relay.yaml"}) {
		t.Errorf("the relay has %v", names)
	}
	if c, err := roles.LoadRelay(filepath.Join(dir, "relay.yaml")); err != nil || c.Collector != "c2" || c.Gateway != "https://c2.example.org:8443" {
		t.Errorf("%+v, %v", c, err)
	}
	again, err := o.Collector("c2", "")
	if _, names := unpacked(t, again, err); !slices.Contains(names, "keys/relay-r1.pub.pem") {
		t.Errorf("c2 does not know the relay: %v", names)
	}
}

// TestJoiningLater: the detector's next bundle knows a collector and a prober that were added
// later, and the policy has a higher version.
func TestJoiningLater(t *testing.T) {
	o := operator(t)
	for _, c := range []string{"c1", "c2"} {
		if _, err := o.Collector(c, "https://"+c+".example.net"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.Prober("fra-1", 64501); err != nil {
		t.Fatal(err)
	}
	b, err := o.Detector("watch")
	dir, _ := unpacked(t, b, err)
	c, err := roles.Load(filepath.Join(dir, roles.ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Detector.Feeds) != 2 || c.Detector.Feeds[1].URL != "https://c2.example.net" || !slices.Equal(c.Detector.Vantages, []string{"fra-1"}) {
		t.Errorf("feeds %v, vantages %v", c.Detector.Feeds, c.Detector.Vantages)
	}
	source, err := os.ReadFile(filepath.Join(o.Dir, "policy.yaml"))
	if err != nil || !strings.Contains(string(source), "version: 3\n") || !strings.Contains(string(source), "# upload cap per process") {
		t.Errorf("%v, want version 3 with all comments:\n%s", err, source)
	}
	first, _ := o.Collector("c1", "")
	second, _ := o.Collector("c1", "")
	var x, y bytes.Buffer
	_, _ = first.WriteTo(&x)
	_, _ = second.WriteTo(&y)
	if !bytes.Equal(x.Bytes(), y.Bytes()) || x.Len() == 0 {
		t.Error("the same bundle is other bytes")
	}
}

// TestSettingsOfAHost: a newer bundle keeps the settings of a host.
func TestSettingsOfAHost(t *testing.T) {
	o := operator(t)
	if err := os.Mkdir(filepath.Join(o.Dir, "hosts"), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(o.Dir, "hosts/fra-1.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("prober:\n  interval: 10s\n  targets:\n    - {name: web, url: \"https://web.example\"}\n")
	b, err := o.Prober("fra-1", 64501)
	dir, _ := unpacked(t, b, err)
	c, err := roles.Load(filepath.Join(dir, roles.ConfigName))
	if err != nil || c.Prober.Interval.Duration != 10*time.Second || len(c.Prober.Targets) != 1 || c.Prober.Vantage != "fra-1" || c.Prober.VantageASN != 64501 {
		t.Errorf("%+v, %v", c, err)
	}
	write("prober:\n  intervall: 10s\n")
	if _, err := o.Prober("fra-1", 64501); err == nil || !strings.Contains(err.Error(), "intervall") || !strings.Contains(err.Error(), "fra-1.yaml") {
		t.Errorf("a fault in a host's file: %v", err)
	}
}

func TestWhatCannotBeBundled(t *testing.T) {
	o := operator(t)
	if _, err := o.Collector("c9", ""); err == nil || !strings.Contains(err.Error(), "--url") {
		t.Errorf("a collector that nobody knows: %v", err)
	}
	before, _ := os.ReadFile(filepath.Join(o.Dir, "policy.yaml"))
	if _, err := o.Collector("c9", "http://c9.example"); err == nil || !strings.Contains(err.Error(), "https") {
		t.Errorf("plain HTTP: %v", err)
	}
	if after, _ := os.ReadFile(filepath.Join(o.Dir, "policy.yaml")); !bytes.Equal(before, after) {
		t.Error("policy.yaml was changed all the same")
	}
	for _, name := range []string{"", "../x", "a/b", "A", ".x"} {
		if _, err := o.Detector(name); !errors.Is(err, bundle.ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := (bundle.Operator{Dir: t.TempDir()}).Detector("watch"); err == nil || !strings.Contains(err.Error(), "policy.yaml") {
		t.Errorf("no operator's directory: %v", err)
	}
	if err := os.Remove(filepath.Join(o.Dir, "keys/receipt.pem")); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Collector("c1", ""); err == nil || !strings.Contains(err.Error(), "receipt key") {
		t.Errorf("without its key: %v", err)
	}
}
