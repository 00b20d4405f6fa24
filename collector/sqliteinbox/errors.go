package sqliteinbox

import (
	"errors"
	"fmt"
	"syscall"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/heliograph-net/heliograph/collector"
)

func notADatabase(err error) bool {
	e, ok := errors.AsType[sqlite3.Error](err)
	return ok && e.Code == sqlite3.ErrNotADB
}

// named says what was being done, and makes the driver's ways to say "no room" collector.ErrFull.
func named(doing string, err error) error {
	if err == nil {
		return nil
	}
	if noRoom(err) {
		return fmt.Errorf("%s: %w: %w", doing, collector.ErrFull, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func noRoom(err error) bool {
	e, ok := errors.AsType[sqlite3.Error](err)
	if !ok {
		return false
	}
	if e.Code == sqlite3.ErrFull {
		return true
	}
	// SQLite tells only ENOSPC as "full"; a quota and a file size limit are I/O errors to it.
	return e.SystemErrno == syscall.ENOSPC || e.SystemErrno == syscall.EDQUOT || e.SystemErrno == syscall.EFBIG
}
