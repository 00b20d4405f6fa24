package sqlitedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// checkTime is the longest time for which Open looks for damage.
const checkTime = 3 * time.Second

// check looks for damage, at most for the given time, and returns an error that wraps ErrDamaged if
// it finds any. It may not reach the end of a large file.
func check(ctx context.Context, db *sql.DB, limit time.Duration) error {
	timed, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var found string
	err := db.QueryRowContext(timed, "PRAGMA quick_check(1)").Scan(&found)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case timed.Err() != nil:
		return nil
	case err != nil:
		return err
	case found != "ok":
		return fmt.Errorf("%w: %s", ErrDamaged, found)
	}
	return nil
}

// whole refuses a path at which only a write-ahead log is left. SQLite would create a new file and
// delete the log, which contains the latest data.
func whole(path string) error {
	log, err := os.Stat(path + "-wal")
	if err != nil || log.Size() == 0 {
		return nil
	}
	file, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %s is gone, and its log is there", ErrDamaged, path)
	case err == nil && file.Size() == 0:
		return fmt.Errorf("%w: %s is empty, and its log is there", ErrDamaged, path)
	}
	return nil
}
