package sqlitestore

import (
	"context"
	"database/sql"

	"github.com/heliograph-net/heliograph/internal/salvage"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
)

// Repair rebuilds the store at path from what can be read of it, and keeps the damaged file aside.
// It changes nothing of a store that is whole. No process may have it open. A feed whose cursor was
// lost is read from its beginning, and ids drop what was stored before. progress is called about
// every second; it may be nil.
func Repair(ctx context.Context, path string, progress func(table string, rows int64)) (*salvage.Report, error) {
	r := sqlitedb.Repairer{Options: options, Progress: progress, Finish: func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT OR IGNORE INTO state (one, evaluated, checked) VALUES (1, 0, 0)")
		return err
	}}
	return r.Repair(ctx, path)
}
