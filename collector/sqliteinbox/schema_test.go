package sqliteinbox

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriterIsDurable(t *testing.T) {
	i := fresh(t, Options{})
	var mode string
	var synchronous int
	if err := errors.Join(i.writer.QueryRowContext(t.Context(), "PRAGMA journal_mode").Scan(&mode), i.writer.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&synchronous)); err != nil {
		t.Fatal(err)
	}
	if mode != "wal" || synchronous != 2 {
		t.Errorf("journal_mode %s, synchronous %d; want wal and 2 (FULL)", mode, synchronous)
	}
}

func TestFilesAreTheOwnersOnly(t *testing.T) {
	dir := t.TempDir()
	i := open(t, filepath.Join(dir, "an inbox?mode=x#100%.db"), Options{}) // the path is no URI
	commit(t, i, entry(1, 10))
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 4 {
		t.Fatalf("%v, %v: want the file, its log, the log's index and the reserve", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 || !strings.HasPrefix(f.Name(), "an inbox?mode=x#100%.db") {
			t.Errorf("%s has mode %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	database := func(statements string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			db, err := sql.Open("sqlite3", path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec(statements); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		prepare func(*testing.T, string)
		want    string
		schema  bool
	}{
		"newer schema": {func(t *testing.T, path string) {
			if err := fresh(t, Options{}).Close(); err != nil {
				t.Fatal(err)
			}
			i, err := Open(path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := i.Close(); err != nil {
				t.Fatal(err)
			}
			database("PRAGMA user_version = 6")(t, path)
		}, "its schema is version 6, this release knows 5", true},
		"another application's": {database("CREATE TABLE mine (x)"), "belongs to another application", true},
		"no database": {func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "no SQLite database", true},
		"a directory": {func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "is a directory", false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "inbox.db")
			c.prepare(t, path)
			_, err := Open(path, Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) || errors.Is(err, ErrSchema) != c.schema {
				t.Errorf("err = %v, want one with %q and the path", err, c.want)
			}
		})
	}
	if _, err := Open(filepath.Join(t.TempDir(), "x"), Options{MaxBytes: 1, Retention: -1}); err == nil ||
		!strings.Contains(err.Error(), "MaxBytes") || !strings.Contains(err.Error(), "retention") {
		t.Errorf("bad options: %v, want both faults", err)
	}
}
