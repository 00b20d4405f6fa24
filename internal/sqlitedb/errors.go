package sqlitedb

import (
	"errors"
	"syscall"

	sqlite3 "github.com/mattn/go-sqlite3"
)

func notADatabase(err error) bool {
	e, ok := errors.AsType[sqlite3.Error](err)
	return ok && e.Code == sqlite3.ErrNotADB
}

// NoRoom reports whether err says that the disk, a quota or the largest size of a file is
// exhausted.
func NoRoom(err error) bool {
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
