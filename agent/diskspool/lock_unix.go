//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package diskspool

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks f until it is closed, or returns errLockBusy. The lock (flock) belongs to the open
// file, so it also excludes other files that this process has opened by the same name. It ends with
// the process.
func tryLock(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var lockErr error
	err = conn.Control(func(fd uintptr) {
		for {
			lockErr = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB)
			if lockErr != syscall.EINTR {
				return
			}
		}
	})
	switch {
	case err != nil:
		return err
	case errors.Is(lockErr, syscall.EWOULDBLOCK):
		return errLockBusy
	default:
		return lockErr
	}
}
