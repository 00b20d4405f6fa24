package diskspool

import (
	"errors"
	"os"
	"syscall"
	"unsafe"
)

var procLockFileEx = syscall.NewLazyDLL("kernel32.dll").NewProc("LockFileEx")

// tryLock locks f until it is closed, or returns errLockBusy. It locks one byte far beyond the end,
// because other processes cannot read a locked byte.
func tryLock(f *os.File) error {
	const (
		failImmediately = 1
		exclusive       = 2
		lockViolation   = syscall.Errno(33)
	)
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var lockErr error
	err = conn.Control(func(fd uintptr) {
		at := syscall.Overlapped{OffsetHigh: 1 << 30}
		ok, _, errno := procLockFileEx.Call(fd, failImmediately|exclusive, 0, 1, 0, uintptr(unsafe.Pointer(&at)))
		if ok == 0 {
			lockErr = errno
		}
	})
	switch {
	case err != nil:
		return err
	case errors.Is(lockErr, lockViolation), errors.Is(lockErr, syscall.ERROR_IO_PENDING):
		return errLockBusy
	default:
		return lockErr
	}
}
