package logfile

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func contents(t *testing.T, path string) (all []string) {
	t.Helper()
	for _, suffix := range []string{"", ".1", ".2", ".3"} {
		b, err := os.ReadFile(path + suffix)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		all = append(all, string(b))
	}
	return all
}

func TestFilesAreRotatedBySizeAndAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(path, []byte("before\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := Open(Options{Path: path, MaxBytes: 12, MaxAge: time.Hour, Keep: 2})
		if err != nil {
			t.Fatal(err)
		}
		write := func(line string) {
			t.Helper()
			if _, err := w.Write([]byte(line + "\n")); err != nil {
				t.Fatal(err)
			}
		}
		write("one")
		write("two")
		time.Sleep(time.Hour)
		write("three, longer than a file")
		if got, want := contents(t, path), []string{"three, longer than a file\n", "two\n", "before\none\n", ""}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		write("four")
		if got, want := contents(t, path), []string{"four\n", "three, longer than a file\n", "two\n", ""}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		if err := errors.Join(w.Close(), w.Close()); err != nil {
			t.Error(err)
		}
		if _, err := w.Write([]byte("x")); !errors.Is(err, os.ErrClosed) {
			t.Errorf("Write after Close: %v", err)
		}
	})
}

func TestLogGoesOnWhenItCannotBeRotated(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w, err := Open(Options{Path: filepath.Join(dir, "log"), MaxBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if n, err := w.Write([]byte("line\n")); n != 5 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
}

// What moved the file away tells the process to open it again.
func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	w, err := Open(Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	write := func(line string) {
		t.Helper()
		if _, err := w.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	write("one\n")
	if err := os.Rename(path, path+".moved"); err != nil {
		t.Fatal(err)
	}
	write("two\n")
	if err := w.Reopen(); err != nil {
		t.Fatal(err)
	}
	write("three\n")
	for name, want := range map[string]string{path + ".moved": "one\ntwo\n", path: "three\n"} {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	if err := w.Reopen(); err == nil {
		t.Error("no error without the directory")
	}
	write("four\n") // into the file that is gone: better than a process without a log
	if err := errors.Join(w.Close(), w.Reopen()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Reopen after Close: %v", err)
	}
}
