//go:build unix

package bundle_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/heliograph-net/heliograph/cmd/heliograph/bundle"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
)

// saved makes an archive of a prober's bundle.
func saved(t *testing.T, o bundle.Operator) string {
	t.Helper()
	b, err := o.Prober("fra-1", 64501)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "heliograph-fra-1.tar.gz")
	if err := b.Save(name); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestUnpack unpacks twice into the same directory. Files that are not in the archive stay, and new
// files get the directory's owner.
func TestUnpack(t *testing.T) {
	archive := saved(t, operator(t))
	dir := filepath.Join(t.TempDir(), "heliograph")
	for range 2 {
		names, err := bundle.Unpack(archive, dir)
		if err != nil || !slices.Equal(names, []string{"START.txt", "heliograph-prober.service", "heliograph.yaml", "policy"}) {
			t.Fatalf("%v, %v", names, err)
		}
		if err := os.WriteFile(filepath.Join(dir, "spool"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if os.Geteuid() == 0 {
			if err := os.Chown(dir, 12345, 12345); err != nil {
				t.Fatal(err)
			}
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 5 {
		t.Errorf("%v, %v: want four files and the spool", left, err)
	}
	if info, err := os.Stat(filepath.Join(dir, roles.ConfigName)); err != nil || os.Geteuid() == 0 && info.Sys().(*syscall.Stat_t).Uid != 12345 {
		t.Errorf("the configuration belongs to another than its directory: %v, %v", info.Sys(), err)
	}
}

// packed makes an archive with the given entries. Regular files contain a configuration with a
// typo.
func packed(t *testing.T, headers ...tar.Header) string {
	t.Helper()
	const text = "prober: {intervall: 3s}\n"
	name := filepath.Join(t.TempDir(), "x.tar.gz")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	zip := gzip.NewWriter(f)
	w := tar.NewWriter(zip)
	for _, h := range headers {
		if h.Mode = 0o600; h.Typeflag == 0 {
			h.Size = int64(len(text))
		}
		err = errors.Join(err, w.WriteHeader(&h))
		if h.Size > 0 {
			_, writeErr := w.Write([]byte(text))
			err = errors.Join(err, writeErr)
		}
	}
	if err := errors.Join(err, w.Close(), zip.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestUnpackRefuses: archives that would write elsewhere and invalid configurations are refused,
// and the files in the directory stay.
func TestUnpackRefuses(t *testing.T) {
	o := operator(t)
	dir := t.TempDir()
	if _, err := bundle.Unpack(saved(t, o), dir); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, roles.ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("no archive"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, archive := range map[string]string{
		"a path upwards":            packed(t, tar.Header{Name: "heliograph-x/../../evil"}),
		"an absolute path":          packed(t, tar.Header{Name: "heliograph-x//etc/evil"}),
		"a file beside":             packed(t, tar.Header{Name: "evil"}),
		"a link":                    packed(t, tar.Header{Name: "heliograph-x/keys", Typeflag: tar.TypeSymlink, Linkname: "/etc"}),
		"no configuration":          packed(t, tar.Header{Name: "heliograph-x/other"}),
		"a configuration with typo": packed(t, tar.Header{Name: "heliograph-x/heliograph.yaml"}),
		"no archive":                plain,
		"no file":                   filepath.Join(dir, "none"),
	} {
		if names, err := bundle.Unpack(archive, dir); err == nil {
			t.Errorf("%s: unpacked %v", what, names)
		}
	}
	after, err := os.ReadFile(filepath.Join(dir, roles.ConfigName))
	if err != nil || string(after) != string(before) {
		t.Errorf("%v: the configuration was changed", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 4 {
		t.Errorf("%v is there, want four files", left)
	}
}
