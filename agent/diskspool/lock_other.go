//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package diskspool

import (
	"errors"
	"os"
)

// tryLock has no lock that dies with its process here, and without one a spool cannot be
// shared safely.
func tryLock(*os.File) error { return errors.ErrUnsupported }

func syncDir(*os.Root) error { return nil }

func syncPath(string) error { return nil }
