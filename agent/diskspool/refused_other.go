//go:build !windows

package diskspool

import (
	"errors"
	"syscall"
)

// refused reports whether err says that a file is open elsewhere, as network file systems do.
func refused(err error) bool { return errors.Is(err, syscall.EBUSY) }
