// Package bundle manages an operator's directory, which [roles.Init] has made: it makes archives
// for the hosts of an installation, rotates keys and revokes hosts. An archive contains only what
// its host needs. So whoever seizes a collector's host can neither read reports nor sign policies
// nor impersonate another host. Start with [Operator].
package bundle

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Bundle is the set of files for one host.
type Bundle struct {
	Name  string // of the host; the directory in the archive is heliograph-NAME
	Files []File // in any order
}

// File is one file of a bundle.
type File struct {
	Name string // relative to the directory
	Text []byte
	Mode fs.FileMode // 0o600 for secrets
	Why  string      // what the host needs it for
}

// dir returns the directory in the archive.
func (b *Bundle) dir() string { return "heliograph-" + b.Name }

// made is the time of every file in an archive, so that equal contents give equal bytes.
var made = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// WriteTo writes the bundle as a gzip-compressed tar archive. The same files give the same bytes.
func (b *Bundle) WriteTo(w io.Writer) (int64, error) {
	count := &counter{w: w}
	zip := gzip.NewWriter(count)
	archive := tar.NewWriter(zip)
	files := slices.Clone(b.Files)
	slices.SortFunc(files, func(x, y File) int { return strings.Compare(x.Name, y.Name) })
	dirs := []string{b.dir() + "/"}
	for _, f := range files {
		if d := path.Dir(f.Name); d != "." && !slices.Contains(dirs, b.dir()+"/"+d+"/") {
			dirs = append(dirs, b.dir()+"/"+d+"/")
		}
	}
	for _, d := range dirs {
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: d, Mode: 0o700, ModTime: made}); err != nil {
			return count.n, err
		}
	}
	for _, f := range files {
		if err := archive.WriteHeader(&tar.Header{Name: b.dir() + "/" + f.Name, Mode: int64(f.Mode), Size: int64(len(f.Text)), ModTime: made}); err != nil {
			return count.n, err
		}
		if _, err := archive.Write(f.Text); err != nil {
			return count.n, err
		}
	}
	return count.n, errors.Join(archive.Close(), zip.Close())
}

// Save writes the archive to a file that only its owner can read, in one step.
func (b *Bundle) Save(name string) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("making the archive: %w", err)
	}
	defer os.Remove(f.Name()) // it is gone already if nothing failed
	_, err = b.WriteTo(f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	return os.Rename(f.Name(), name)
}

// add adds a file.
func (b *Bundle) add(name string, text []byte, mode fs.FileMode, why string) {
	b.Files = append(b.Files, File{name, text, mode, why})
}

// counter counts bytes.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
