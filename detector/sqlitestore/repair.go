package sqlitestore

import (
	"context"
	"database/sql"

	"github.com/heliograph-net/heliograph/internal/salvage"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
)

// Repair rebuilds the store at path from what can be read of it, and keeps the damaged file beside
// it. It does not change a store that is intact. No process may have the store open. If the cursor
// of a feed was lost, the feed is read from its beginning, and ids keep what is already stored from
// being stored twice. Repair calls progress about once a second; progress may be nil.
func Repair(ctx context.Context, path string, progress func(table string, rows int64)) (*salvage.Report, error) {
	r := sqlitedb.Repairer{Options: options, Progress: progress, Finish: func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT OR IGNORE INTO state (one, evaluated, checked) VALUES (1, 0, 0)")
		return err
	}}
	return r.Repair(ctx, path)
}
