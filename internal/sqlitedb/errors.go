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

// ErrDamaged says that a file is damaged: parts of it were overwritten, cut off or lost.
var ErrDamaged = errors.New("the file is damaged: stop the process and run: heliograph repair DIR (the directory of its configuration)")

// Damaged reports whether err is an error with which SQLite reports a damaged file.
func Damaged(err error) bool {
	e, ok := errors.AsType[sqlite3.Error](err)
	return ok && (e.Code == sqlite3.ErrCorrupt || e.Code == sqlite3.ErrNotADB ||
		e.Code == sqlite3.ErrIoErr && e.ExtendedCode == sqlite3.ErrIoErrShortRead)
}

// NoRoom reports whether err means that the disk is full, or that a quota or a limit of the file
// size is exhausted.
func NoRoom(err error) bool {
	e, ok := errors.AsType[sqlite3.Error](err)
	if !ok {
		return false
	}
	if e.Code == sqlite3.ErrFull {
		return true
	}
	// SQLite reports only ENOSPC as "full". It reports quotas and file size limits as I/O errors.
	return e.SystemErrno == syscall.ENOSPC || e.SystemErrno == syscall.EDQUOT || e.SystemErrno == syscall.EFBIG
}
