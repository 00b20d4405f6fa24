package sqliteinbox

import (
	"errors"
	"os"
	"syscall"
)

// allocate creates or replaces a file that really occupies size bytes.
func allocate(path string, size int64) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = syscall.Fallocate(int(f.Fd()), 0, 0, size)
	if err == syscall.EOPNOTSUPP || err == syscall.ENOSYS {
		err = writeZeros(f, size)
	}
	return errors.Join(err, f.Close())
}
