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
	"time"

	"github.com/heliograph-net/heliograph/internal/salvage"
)

// Repairer rebuilds a damaged file. It reads what can be read of every table through SQLite, writes
// it to a new file with the same schema, and replaces the old file, which it keeps under another
// name. SQLite's own recovery extension (recovery.html) is not part of the driver and needs a
// virtual table without which the driver is built.
type Repairer struct {
	Options Options
	// Sensible reports whether a row is valid, because SQLite does not notice all damage. Values
	// are in the order of the table's columns. nil means that all rows are valid.
	Sensible func(table string, row []any) bool
	Derived  []string // tables that are not read, because Finish makes them from the other tables
	// Finish makes the new tables consistent. It may be nil.
	Finish func(tx *sql.Tx) error
	// Progress is called about every second. It may be nil.
	Progress func(table string, rows int64)
}

// Repair repairs the file at path unless it is intact. No process may have the file open.
func (r *Repairer) Repair(ctx context.Context, path string) (*salvage.Report, error) {
	report := &salvage.Report{Path: path}
	fault, err := r.fault(ctx, path)
	if err != nil {
		return nil, err
	}
	if fault == nil {
		report.Whole = true
		return report, nil
	}
	report.Fault = fault.Error()
	next := path + "-repairing"
	if err := removeAll(next); err != nil {
		return nil, err
	}
	if err := r.rebuild(ctx, path, next, report); err != nil {
		return nil, errors.Join(err, removeAll(next))
	}
	if report.Aside, err = swap(path, next, "damaged"); err != nil {
		return nil, err
	}
	return report, nil
}

// fault returns the damage of a file, or nil. An error means that the file cannot be repaired.
func (r *Repairer) fault(ctx context.Context, path string) (fault, err error) {
	if _, err := os.Stat(path); err != nil {
		return nil, errors.Join(whole(path), err)
	}
	if InUse(path) {
		return nil, fmt.Errorf("%s is in use: stop the process that has it open", path)
	}
	db := sql.OpenDB(connector{r.Options.uri(path, readOnly()), r.Options.Register})
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	var id int64
	fault = db.QueryRowContext(ctx, "SELECT application_id FROM pragma_application_id").Scan(&id)
	switch {
	case fault == nil && id != int64(r.Options.Schema.ApplicationID):
		return nil, fmt.Errorf("%w: the file belongs to another application", r.Options.Schema.Refused)
	case fault == nil:
		var found string
		fault = db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found)
		if fault == nil && found != "ok" {
			fault = fmt.Errorf("%w: %s", ErrDamaged, found)
		}
	}
	if fault != nil && !Damaged(fault) && !errors.Is(fault, ErrDamaged) {
		return nil, fmt.Errorf("looking at %s: %w", path, fault)
	}
	return fault, nil
}

// rebuild fills a new file with the data that can be read.
func (r *Repairer) rebuild(ctx context.Context, path, next string, report *salvage.Report) error {
	o := r.Options
	old, version, err := r.openOld(ctx, path, next, report)
	if err != nil {
		return err
	}
	defer old.Close()
	if version < 1 || version > o.Schema.version() {
		return fmt.Errorf("%w: its schema is version %d, this release knows %d", o.Schema.Refused, version, o.Schema.version())
	}
	if version < o.Schema.Created {
		return fmt.Errorf("%w: its schema is version %d; repair it with the release that wrote it", o.Schema.Refused, version)
	}
	o.Schema.Upgrades = o.Schema.Upgrades[:version-1]
	fresh, err := Open(ctx, next, o)
	if err != nil {
		return err
	}
	c := copier{Repairer: r, old: old, fresh: fresh.Writer, said: time.Now()}
	err = c.all(ctx, report)
	if err == nil && r.Finish != nil && version == r.Options.Schema.version() {
		err = Transact(ctx, fresh.Writer, r.Finish)
	}
	if err == nil {
		err = check(ctx, fresh.Writer, time.Hour)
	}
	return errors.Join(err, fresh.Close())
}

// openOld opens the damaged file for reading. If its first page cannot be read, openOld opens a
// copy that has the first page of an empty file, because the tables of all files of a release are
// in the same places.
func (r *Repairer) openOld(ctx context.Context, path, next string, report *salvage.Report) (old *sql.DB, version int, err error) {
	if old, version, err = r.tryOld(ctx, path); err == nil {
		return old, version, nil
	}
	report.Header = true
	blank := next + "-blank"
	defer func() { err = errors.Join(err, removeAll(blank)) }()
	empty, err := Open(ctx, blank, r.Options)
	if err != nil {
		return nil, 0, err
	}
	if err := empty.Close(); err != nil {
		return nil, 0, err
	}
	patched := next + "-patched"
	if err := patch(path, blank, patched); err != nil {
		return nil, 0, err
	}
	old, version, err = r.tryOld(ctx, patched)
	if err != nil {
		return nil, 0, fmt.Errorf("nothing of %s can be read (%w): move it away and keep it; the process then begins with an empty one", path, err)
	}
	return old, version, nil
}

// tryOld opens a file if its schema can be read.
func (r *Repairer) tryOld(ctx context.Context, path string) (*sql.DB, int, error) {
	db := sql.OpenDB(connector{r.Options.uri(path, readOnly()), r.Options.Register})
	db.SetMaxOpenConns(1)
	var version, tables, id int
	err := db.QueryRowContext(ctx, `SELECT (SELECT user_version FROM pragma_user_version), (SELECT application_id FROM pragma_application_id),
		(SELECT count(*) FROM sqlite_schema)`).Scan(&version, &id, &tables)
	if err == nil && (tables == 0 || id != int(r.Options.Schema.ApplicationID)) {
		err = ErrDamaged
	}
	if err != nil {
		return nil, 0, errors.Join(err, db.Close())
	}
	return db, version, nil
}

// readOnly returns the settings with which SQLite does not move the log's data into a file that is
// kept.
func readOnly() url.Values { return url.Values{"mode": {"ro"}, "_query_only": {"1"}} }

// patch copies a file and replaces the first page of the copy by that of the file blank, except for
// the number of pages.
func patch(path, blank, to string) (err error) {
	head, err := os.ReadFile(blank)
	if err != nil {
		return err
	}
	size := int64(head[16])<<8 | int64(head[17])
	if size == 1 {
		size = 65536
	}
	head = head[:size]
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	length, err := io.Copy(out, from)
	if err != nil {
		return err
	}
	pages := uint32((length + size - 1) / size)
	// format.html, section 1.3: size in pages, then the list of free ones, which is not known
	for i, b := range []byte{byte(pages >> 24), byte(pages >> 16), byte(pages >> 8), byte(pages)} {
		head[28+i] = b
	}
	clear(head[32:40])
	if _, err := out.WriteAt(head, 0); err != nil {
		return err
	}
	return out.Truncate(int64(pages) * size)
}

// swap replaces the file at path by next, and returns the new path of the old file: beside it, with
// word in its name.
func swap(path, next, word string) (aside string, err error) {
	aside = path + "." + word + "-" + time.Now().UTC().Format("20060102T150405Z")
	if err := os.Link(path, aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("keeping the old file aside: %w", err)
	}
	if err := os.Rename(path+"-wal", aside+"-wal"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("keeping the log of the old file aside: %w", err)
	}
	if err := os.Remove(path + "-shm"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.Rename(next, path); err != nil {
		return "", err
	}
	return aside, removeAll(next)
}

// removeAll removes a database and the files that SQLite and a Repairer put beside it.
func removeAll(path string) (err error) {
	for _, end := range []string{"", "-wal", "-shm", "-journal", "-patched", "-patched-wal", "-patched-shm"} {
		if e := os.Remove(path + end); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
