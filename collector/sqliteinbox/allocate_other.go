//go:build !linux

package sqliteinbox

import (
	"errors"
	"os"
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
	return errors.Join(writeZeros(f, size), f.Sync(), f.Close())
}
