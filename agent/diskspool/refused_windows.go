package diskspool

import (
	"errors"
	"syscall"
)

// refused reports whether err says that a file is open elsewhere. Access is also denied to a file
// that is deleted but still open.
func refused(err error) bool {
	const (
		sharingViolation = syscall.Errno(32)
		lockViolation    = syscall.Errno(33)
		deletePending    = syscall.Errno(303)
		userMappedFile   = syscall.Errno(1224)
	)
	return errors.Is(err, syscall.ERROR_ACCESS_DENIED) || errors.Is(err, sharingViolation) ||
		errors.Is(err, lockViolation) || errors.Is(err, deletePending) || errors.Is(err, userMappedFile)
}
