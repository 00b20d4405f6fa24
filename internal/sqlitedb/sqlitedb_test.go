package sqlitedb

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var errRefused = errors.New("not a shelf that this release can read")

func shelf() Options {
	return Options{PageSize: 16384, CacheKiB: 512, Statements: 4, Schema: Schema{
		ApplicationID: 0x48475354,
		Refused:       errRefused,
		Create:        "CREATE TABLE books (title TEXT); -- the first",
		Created:       1,
		Upgrades:      []string{"ALTER TABLE books ADD COLUMN author TEXT", "ALTER TABLE books ADD COLUMN year INTEGER"},
	}}
}

func open(t *testing.T, path string, o Options) *DB {
	t.Helper()
	d, err := Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func pragma(t *testing.T, db *sql.DB, name string) (value string) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestConnections(t *testing.T) {
	dir := t.TempDir()
	d := open(t, filepath.Join(dir, "a shelf?mode=x#100%.db"), shelf()) // the path is no URI
	for name, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "page_size": "16384",
		"user_version": "3", "application_id": "1212633940", "busy_timeout": "5000", "cache_size": "-512"} {
		if got := pragma(t, d.Writer, name); got != want {
			t.Errorf("%s of the writer is %s, want %s", name, got, want)
		}
	}
	const insert = "INSERT INTO books (title, author, year) VALUES ('Emma', 'Austen', 1815)"
	if _, err := d.Readers.Exec(insert); err == nil {
		t.Error("a reader has written")
	}
	if _, err := d.Writer.Exec(insert); err != nil {
		t.Error(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 3 {
		t.Fatalf("%v, %v: want the file, its log and the log's index", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestOlderFilesAreUpgradedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shelf.db")
	all := shelf()
	for released := range len(all.Schema.Upgrades) + 1 {
		o := all
		o.Schema.Upgrades = all.Schema.Upgrades[:released]
		for range 2 {
			d := open(t, path, o)
			if _, err := d.Writer.Exec("INSERT INTO books (title) VALUES ('Emma')"); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(d.Close(), d.Close()); err != nil {
				t.Fatal(err)
			}
		}
	}
	d := open(t, path, all)
	var n int
	if err := d.Readers.QueryRow("SELECT count(*) FROM books WHERE year IS NULL").Scan(&n); err != nil || n != 6 {
		t.Errorf("%d books, %v; want 6", n, err)
	}
	all.Schema.Upgrades = all.Schema.Upgrades[:1]
	if _, err := Open(t.Context(), path, all); !errors.Is(err, errRefused) || !strings.Contains(err.Error(), "version 3, this release knows 2") {
		t.Errorf("an older release: %v", err)
	}
}

func TestAFailedUpgradeChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shelf.db")
	o := shelf()
	if err := open(t, path, o).Close(); err != nil {
		t.Fatal(err)
	}
	bad := shelf()
	bad.Schema.Upgrades = append(bad.Schema.Upgrades, "CREATE TABLE more (x); CREATE TABLE books (x)")
	if _, err := Open(t.Context(), path, bad); err == nil || errors.Is(err, errRefused) {
		t.Fatalf("err = %v, want SQLite's own", err)
	}
	d := open(t, path, o)
	var n int
	if err := d.Readers.QueryRow("SELECT count(*) FROM sqlite_schema").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d tables, %v; want 1", n, err)
	}
}

func TestForeignFilesAreRefused(t *testing.T) {
	dir := t.TempDir()
	foreign := filepath.Join(dir, "foreign.db")
	other := shelf()
	other.Schema.ApplicationID++
	if err := open(t, foreign, other).Close(); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{foreign: "belongs to another application", text: "no SQLite database"} {
		if _, err := Open(t.Context(), path, shelf()); !errors.Is(err, errRefused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want one with %q", path, err, want)
		}
	}
	if _, err := Open(t.Context(), dir, shelf()); err == nil || errors.Is(err, errRefused) {
		t.Errorf("a directory: %v", err)
	}
}

func TestTransactKeepsAllOrNothing(t *testing.T) {
	d := open(t, filepath.Join(t.TempDir(), "shelf.db"), shelf())
	add := func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO books (title) VALUES ('Emma')")
		return err
	}
	fault := errors.New("no")
	ended, end := context.WithCancel(t.Context())
	if err := Transact(ended, d.Writer, func(tx *sql.Tx) error { end(); return add(tx) }); err != nil {
		t.Errorf("what has begun ends with its context: %v", err)
	}
	if err := Transact(ended, d.Writer, add); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
	if err := Transact(t.Context(), d.Writer, func(tx *sql.Tx) error { return errors.Join(add(tx), fault) }); !errors.Is(err, fault) {
		t.Errorf("err = %v, want %v", err, fault)
	}
	var n int
	if err := d.Readers.QueryRow("SELECT count(*) FROM books").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d books, %v; want 1", n, err)
	}
}
