package bundle

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
)

// Limits of an archive. Bundles have about a dozen small files.
const (
	maxFiles = 1000
	maxBytes = 64 << 20
)

// ErrArchive says that a file is not an archive made by [Bundle.Save].
var ErrArchive = errors.New("not a bundle")

// Unpack writes the files of an archive to a directory and returns their names, sorted. It makes
// the directory with mode 0700 if it is missing. Each file is replaced atomically and gets the
// directory's owner, so that a service with a user of its own can read it. Files that are not in
// the archive stay. If the configuration in the archive is invalid, Unpack replaces nothing.
func Unpack(archive, dir string) (names []string, err error) {
	files, err := readArchive(archive)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", archive, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	draft, err := os.MkdirTemp(dir, ".unpacking-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(draft)
	for _, f := range files {
		if err := place(draft, f); err != nil {
			return nil, err
		}
	}
	if err := checkDraft(draft); err != nil {
		return nil, fmt.Errorf("%s: nothing was unpacked: %w", archive, err)
	}
	for _, f := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, f.Name)), 0o700); err != nil {
			return names, err
		}
		if err := os.Rename(filepath.Join(draft, f.Name), filepath.Join(dir, f.Name)); err != nil {
			return names, err
		}
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return names, own(dir, names)
}

// readArchive reads an archive. It refuses names outside of the archive's directory.
func readArchive(name string) (files []File, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrArchive, err)
	}
	left := int64(maxBytes)
	for r := tar.NewReader(zip); len(files) <= maxFiles; {
		h, err := r.Next()
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrArchive, err)
		}
		if h.Typeflag == tar.TypeDir {
			continue
		}
		_, inner, ok := strings.Cut(h.Name, "/")
		if !ok || h.Typeflag != tar.TypeReg || !filepath.IsLocal(filepath.FromSlash(inner)) {
			return nil, fmt.Errorf("%w: it has %q", ErrArchive, h.Name)
		}
		if left -= h.Size; left < 0 {
			break
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrArchive, err)
		}
		files = append(files, File{Name: filepath.FromSlash(inner), Text: text, Mode: h.FileInfo().Mode().Perm()})
	}
	return nil, fmt.Errorf("%w: it has more than %d files or %d bytes", ErrArchive, maxFiles, maxBytes)
}

func place(dir string, f File) error {
	name := filepath.Join(dir, f.Name)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	return create(name, f.Text, f.Mode)
}

// checkDraft checks the configuration of an unpacked bundle.
func checkDraft(dir string) error {
	_, err := roles.Load(filepath.Join(dir, roles.ConfigName))
	if errors.Is(err, fs.ErrNotExist) {
		_, err = roles.LoadRelay(filepath.Join(dir, roles.RelayConfigName))
	}
	return err
}

// own gives files and their directories the owner of dir. Only root can do that.
func own(dir string, names []string) error {
	uid, gid, ok := owner(dir)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	for _, name := range names {
		for ; name != "."; name = filepath.Dir(name) {
			if err := os.Lchown(filepath.Join(dir, name), uid, gid); err != nil {
				return err
			}
		}
	}
	return nil
}
