package sqlitedb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// titles returns the titles of the books in a file.
func titles(t *testing.T, d *DB) (all []string) {
	t.Helper()
	rows, err := d.Readers.QueryContext(t.Context(), "SELECT title FROM books ORDER BY rowid")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var title string
		if err := rows.Scan(&title); err != nil {
			t.Fatal(err)
		}
		all = append(all, title)
	}
	return all
}

func add(t *testing.T, d *DB, title string) {
	t.Helper()
	if _, err := d.Writer.ExecContext(t.Context(), "INSERT INTO books (title) VALUES (?)", title); err != nil {
		t.Fatal(err)
	}
}

// TestBackupAndRestore: a copy of a file in use has what was committed, and nothing that was
// deleted; in its place it works as the file did, and what was there is kept with its log.
func TestBackupAndRestore(t *testing.T) {
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "shelf.db"), filepath.Join(dir, "copy.db")
	o := shelf()
	d := open(t, path, o)
	add(t, d, "Emma")
	add(t, d, "Persuasion-that-was-deleted")
	if _, err := d.Writer.Exec("DELETE FROM books WHERE title LIKE 'Persuasion%'"); err != nil {
		t.Fatal(err)
	}
	if err := o.Schema.Backup(t.Context(), path, copied); err != nil {
		t.Fatal(err)
	}
	add(t, d, "Middlemarch")
	if raw, err := os.ReadFile(copied); err != nil || strings.Contains(string(raw), "that-was-deleted") {
		t.Errorf("%v: the copy has deleted data", err)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: want mode 0600", info.Mode(), err)
	}
	if err := o.Schema.Backup(t.Context(), path, copied); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over an existing copy: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	aside, err := o.Schema.Restore(t.Context(), copied, path)
	if err != nil {
		t.Fatal(err)
	}
	back := open(t, path, o)
	if got := fmt.Sprint(titles(t, back)); got != "[Emma]" {
		t.Errorf("the file has %s, want the copy's", got)
	}
	for name, want := range map[string]string{"journal_mode": "wal", "page_size": "16384", "user_version": "3"} {
		if got := pragma(t, back.Writer, name); got != want {
			t.Errorf("%s is %s after restoring, want %s", name, got, want)
		}
	}
	if old := open(t, aside, o); fmt.Sprint(titles(t, old)) != "[Emma Middlemarch]" {
		t.Errorf("%s has %v", aside, titles(t, old))
	}
	if aside, err := o.Schema.Restore(t.Context(), copied, filepath.Join(dir, "new.db")); err != nil || aside != "" {
		t.Errorf("where nothing was: %q, %v", aside, err)
	}
}

func TestWhatCannotBeBackedUpOrRestored(t *testing.T) {
	dir := t.TempDir()
	o := shelf()
	path, copied := filepath.Join(dir, "shelf.db"), filepath.Join(dir, "copy.db")
	d := open(t, path, o)
	for i := range 200 { // so many that there are inner pages to damage
		add(t, d, fmt.Sprintf("%d %s", i, strings.Repeat("x", 1000)))
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := o.Schema.Backup(t.Context(), filepath.Join(dir, "none.db"), copied); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	other := o
	other.Schema.ApplicationID++
	if err := other.Schema.Backup(t.Context(), path, copied); !errors.Is(err, errRefused) {
		t.Errorf("another application's file: %v", err)
	}
	older := o
	older.Schema.Upgrades = nil
	if err := older.Schema.Backup(t.Context(), path, copied); !errors.Is(err, errRefused) {
		t.Errorf("a file of a newer release: %v", err)
	}
	if err := o.Schema.Backup(t.Context(), path, copied); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, raw[:len(raw)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Schema.Restore(t.Context(), copied, path); err == nil || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("half a copy: %v", err)
	}
	if left, _ := filepath.Glob(path + "?*"); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
	if n := len(titles(t, open(t, path, o))); n != 200 {
		t.Errorf("the file has %d rows after a copy was refused, want 200", n)
	}
}
