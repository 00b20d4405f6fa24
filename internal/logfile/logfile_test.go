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
