package sqlitedb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ErrRemoved says that a file was removed, or replaced by another, while it is open. What would be
// written is lost when the process ends; what was written can be read until then.
var ErrRemoved = errors.New("a file of the database was removed or replaced while it is in use: restart, and what it held until then is lost unless the file is put back")

// identity tells the files of a database from others that take their place.
type identity map[string]os.FileInfo // by path

// record remembers the files that are open now.
func record(path string) (identity, error) {
	files := identity{}
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		switch {
		case err == nil:
			files[name] = info
		case name == path || !errors.Is(err, fs.ErrNotExist): // a file of old may have no log
			return nil, err
		}
	}
	return files, nil
}

// Intact returns an error that wraps ErrRemoved if one of the files was removed or replaced since
// Open.
func (d *DB) Intact() error {
	for path, was := range d.files {
		if is, err := os.Stat(path); err != nil || !os.SameFile(is, was) {
			return fmt.Errorf("%w: %s", ErrRemoved, path)
		}
	}
	return nil
}
