//go:build linux || darwin

package sqlitedb

import (
	"io"
	"os"
	"syscall"
)

// The bytes of a file that SQLite locks (os.h, SHARED_FIRST and SHARED_SIZE). A process that has a
// file with a write-ahead log open holds locks on them.
const (
	sharedFirst = 0x40000000 + 2
	sharedSize  = 510
)

// InUse reports whether another process has a file open. This process must not have it open.
func InUse(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart, Start: sharedFirst, Len: sharedSize}
	return syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &lock) == nil && lock.Type != syscall.F_UNLCK
}
