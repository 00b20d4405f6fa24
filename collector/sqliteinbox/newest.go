package sqliteinbox

import (
	"context"
	"database/sql"
	"time"
)

// newest is when the newest batch that the file knows was received; zero without any.
func newest(tx *sql.Tx) (at time.Time, err error) {
	var ms int64
	err = tx.QueryRowContext(context.Background(), `SELECT max(coalesce((SELECT received FROM pending ORDER BY seq DESC LIMIT 1), 0),
		coalesce((SELECT received FROM acked ORDER BY seq DESC LIMIT 1), 0))`).Scan(&ms)
	if err != nil || ms == 0 {
		return time.Time{}, err
	}
	return time.UnixMilli(ms), nil
}
