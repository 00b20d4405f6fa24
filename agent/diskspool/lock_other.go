//go:build !(darwin || dragonfly || freebsd || js || linux || netbsd || openbsd || windows)

package diskspool

import (
	"errors"
	"os"
)

// tryLock always fails. This system has no lock that ends with its process, and without one a spool
// cannot be shared safely.
func tryLock(*os.File) error { return errors.ErrUnsupported }
