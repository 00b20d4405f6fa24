package collector_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/privacy/receipt"
)

// smallDisk mounts a file system of 4 MiB. It reports false where that is not allowed; sqliteinbox
// has a test with a limit on the file's size that works everywhere.
func smallDisk(t *testing.T) (dir string, ok bool) {
	t.Helper()
	dir = t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m")
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Logf("no mounting here: %v", err)
		return "", false
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmounting: %v", err)
		}
	})
	return dir, true
}

// The disk below the inbox fills up while the collector runs: batches are refused with a signed
// slow-down, what was receipted stays, readiness tells, and everything goes on by itself once
// there is room.
func TestFullDiskUnderTheCollector(t *testing.T) {
	dir, ok := smallDisk(t)
	if !ok {
		return
	}
	inbox := must(sqliteinbox.Open(filepath.Join(dir, "inbox.db"), sqliteinbox.Options{}))(t)
	r := newRig(t, func(o *collector.Options, _ *sqliteinbox.Options) { o.Inbox, o.SlowDownAt = inbox, 1 })
	t.Cleanup(func() { _ = inbox.Close() }) // before the disk goes
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	receipted := uint32(0)
	for n := uint32(1); n < 5000; n++ {
		s, _ := r.send(batchID(n), r.segment(n))
		if s.Decision == receipt.Stored {
			receipted++
			continue
		}
		if s.Decision != receipt.SlowDown || s.Reason != receipt.ReasonUnavailable {
			t.Errorf("on a full disk: %+v", s)
		}
		break
	}
	if receipted < 50 || receipted > 4000 {
		t.Fatalf("%d batches before the disk was full", receipted)
	}
	// the little that it writes may find room
	if err := r.Ready(t.Context()); err != nil && !errors.Is(err, collector.ErrFull) {
		t.Errorf("Ready = %v", err)
	}
	stats := must(inbox.Stats(t.Context()))(t)
	if stats.Pending != uint64(receipted) {
		t.Errorf("%d batches are kept, %d were receipted", stats.Pending, receipted)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if s, _ := r.send(batchID(9999), r.segment(9999)); s.Decision != receipt.Stored {
		t.Errorf("after there was room again: %+v", s)
	}
	if err := r.Ready(t.Context()); err != nil {
		t.Errorf("Ready = %v", err)
	}
}
