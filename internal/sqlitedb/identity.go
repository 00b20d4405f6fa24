package sqlitedb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ErrRemoved says that a file was removed or replaced while it was open. Data in it can be read
// until the process ends, and is then lost.
var ErrRemoved = errors.New("a file of the database was removed or replaced while it is in use: restart, and what it held until then is lost unless the file is put back")

// identity identifies the files of a database, to notice when they are replaced.
type identity map[string]os.FileInfo // by path

// record identifies the files that are open now.
func record(path string) (identity, error) {
	files := identity{}
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		switch {
		case err == nil:
			files[name] = info
		// a file of an older release may have no log
		case name == path || !errors.Is(err, fs.ErrNotExist):
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
