package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"

	"github.com/heliograph-net/heliograph/internal/sqlitedb"
)

// fairly is a table to which anybody can add rows that mean nothing. If it has too many, the
// networks that have the most lose their oldest.
type fairly struct {
	table string
	key   string // its primary key, and
	age   string // the column by which rows are old; one named asn is the network
}

// bound deletes what is beyond room rows.
func (t fairly) bound(ctx context.Context, f *file, room int64) error {
	networks, err := sqlitedb.List(ctx, f.readers, "counting "+t.table, "SELECT asn, count(*) FROM "+t.table+" GROUP BY asn", nil,
		func(rows *sql.Rows) (n amount, err error) {
			err = rows.Scan(&n.asn, &n.of)
			return n, err
		})
	if err != nil {
		return err
	}
	most := level(networks, room)
	for _, n := range networks {
		for left := n.of - most; left > 0; left -= pruneRows {
			if err := f.write(ctx, "deleting the oldest "+t.table, func(tx *sql.Tx) error {
				_, err := tx.Exec(fmt.Sprintf("DELETE FROM %[1]s WHERE (%[2]s) IN (SELECT %[2]s FROM %[1]s WHERE asn = ? ORDER BY %[3]s LIMIT ?)", t.table, t.key, t.age),
					n.asn, min(left, pruneRows))
				return err
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// amount is how much one network has of something.
type amount struct {
	asn uint32
	of  int64
}

// level returns how much each network may have so that all together have room at most: who has less
// keeps everything, and the others have the same.
func level(networks []amount, room int64) int64 {
	all := make([]int64, len(networks))
	for i, n := range networks {
		all[i] = n.of
	}
	slices.Sort(all)
	for i, n := range all {
		if share := room / int64(len(all)-i); n > share {
			return share
		}
		room -= n
	}
	return math.MaxInt64
}
