package diskspool_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent/diskspool"
)

// hold opens a file as a program does that lets others read and write it, but not delete it.
func hold(t *testing.T, name string) (release func()) {
	t.Helper()
	path, err := syscall.UTF16PtrFromString(name)
	must(t, err)
	h, err := syscall.CreateFile(path, syscall.GENERIC_READ, syscall.FILE_SHARE_READ|syscall.FILE_SHARE_WRITE, nil,
		syscall.OPEN_EXISTING, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	must(t, err)
	return func() { _ = syscall.CloseHandle(h) }
}

// TestHeldOpenForAMoment: a file that another program has open for a moment is replaced and deleted
// in the end.
func TestHeldOpenForAMoment(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, diskspool.Options{})
	for _, blob := range []string{"one", "two"} {
		_, err := s.State("tokens", func([]byte) []byte { return []byte(blob) })
		must(t, err)
		time.AfterFunc(100*time.Millisecond, hold(t, filepath.Join(dir, "tokens.state")))
	}
	id := write(t, s, newKey(t), time.Now(), 2, 100)
	time.AfterFunc(100*time.Millisecond, hold(t, only(t, dir, ".seg")))
	must(t, s.Remove(id))
	if got := list(t, s); len(got) != 0 {
		t.Errorf("listed again: %v", got)
	}
	must(t, s.Purge())
	if left := names(t, dir); len(left) != 0 {
		t.Errorf("Purge leaves %v", left)
	}
}

// TestHeldOpenForLong: what another program keeps open is empty after a purge, which says so.
func TestHeldOpenForLong(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, diskspool.Options{})
	write(t, s, newKey(t), time.Now(), 2, 100)
	release := hold(t, only(t, dir, ".seg"))
	if err := s.Purge(); err == nil {
		t.Error("Purge does not say that a file is left")
	}
	if b, err := os.ReadFile(only(t, dir, ".seg")); err != nil || len(b) > 0 {
		t.Errorf("%d bytes stay, %v", len(b), err)
	}
	release()
	must(t, s.Purge())
	if left := names(t, dir); len(left) != 0 {
		t.Errorf("the second purge leaves %v", left)
	}
}
