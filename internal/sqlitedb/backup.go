package sqlitedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// Backup writes a copy of the file at path, as of one moment, to a new file. Processes may go on to
// use the file. The copy has no deleted data in its free pages. It is complete and durable when
// Backup returns nil; otherwise there is none. An existing file is not overwritten: the error wraps
// [fs.ErrExist].
func (s *Schema) Backup(ctx context.Context, path, to string) (err error) {
	db, err := s.openCopy(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	// Reserves the name, and gives the copy its mode: SQLite fills an empty file.
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeAll(to))
		}
	}()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return fmt.Errorf("copying %s: %w", path, err)
	}
	if err := s.verify(ctx, to); err != nil {
		return err
	}
	return syncAll(to)
}

// Restore puts a copy that [Schema.Backup] has made into the place of path. It checks the copy
// first, refuses while a process has the file open, and keeps the file that was there aside, whose
// name it returns; "" if there was none.
func (s *Schema) Restore(ctx context.Context, from, path string) (aside string, err error) {
	if err := s.verify(ctx, from); err != nil {
		return "", fmt.Errorf("the copy cannot be used, and nothing was changed: %w", err)
	}
	if InUse(path) {
		return "", fmt.Errorf("%s is in use: stop the process that has it open", path)
	}
	next := path + "-restoring"
	if err := removeAll(next); err != nil {
		return "", err
	}
	if err := copyFile(from, next); err != nil {
		return "", errors.Join(err, removeAll(next))
	}
	if err := syncAll(next); err != nil {
		return "", errors.Join(err, removeAll(next))
	}
	_, err = os.Stat(path)
	there := err == nil
	if aside, err = swap(path, next, "replaced"); err != nil || !there {
		return "", err
	}
	return aside, nil
}

// openCopy opens a file of this schema, of this release or an older one, without upgrading it.
func (s *Schema) openCopy(ctx context.Context, path string) (*sql.DB, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err // SQLite would only say that it cannot open it
	}
	o := Options{Schema: *s}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector{uri: o.uri(abs, url.Values{"mode": {"rw"}})})
	db.SetMaxOpenConns(1)
	var id, version int64
	err = db.QueryRowContext(ctx, "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version)").Scan(&id, &version)
	switch {
	case err == nil && id != int64(s.ApplicationID):
		err = fmt.Errorf("%w: %s belongs to another application", s.Refused, path)
	case err == nil && version > int64(s.version()):
		err = fmt.Errorf("%w: the schema of %s is version %d, this release knows %d", s.Refused, path, version, s.version())
	case Damaged(err):
		err = fmt.Errorf("%s: %w: %w", path, ErrDamaged, err)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// verify reads all of a copy and says what is wrong with it. It gives it a write-ahead log, which
// SQLite's own copy has not.
func (s *Schema) verify(ctx context.Context, path string) (err error) {
	db, err := s.openCopy(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := check(ctx, db, time.Hour); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	_, err = db.ExecContext(ctx, "PRAGMA journal_mode = WAL")
	return err
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// syncAll makes a file and its name durable.
func syncAll(path string) error {
	for _, name := range []string{path, filepath.Dir(path)} {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		err = f.Sync()
		if err = errors.Join(err, f.Close()); err != nil && !errors.Is(err, fs.ErrInvalid) {
			return err
		}
	}
	return nil
}
