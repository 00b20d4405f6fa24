package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"

	"github.com/heliograph-net/heliograph/detector"
)

// maxDeleted is detector.MaxDeletions, except in tests.
var maxDeleted int64 = detector.MaxDeletions

// SaveDeleted implements detector.State.
func (s *State) SaveDeleted(ctx context.Context, deletions []detector.Deletion) error {
	return s.write(ctx, "storing deletions", func(tx *sql.Tx) error {
		for _, d := range deletions {
			if _, err := tx.Exec("INSERT INTO deleted (client, received, asn) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET received = max(received, excluded.received)",
				int64(d.Client), d.Received.UnixMilli(), d.ASN); err != nil {
				return err
			}
		}
		return nil
	})
}

// Deleted implements detector.State. If there are no deletions, which is usual, it needs one query.
func (s *State) Deleted(ctx context.Context, clients []uint64) (deleted []uint64, err error) {
	var some bool
	if err := s.readers.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM deleted)").Scan(&some); err != nil {
		return nil, fmt.Errorf("reading deletions: %w", err)
	}
	if !some {
		return nil, nil
	}
	for asked := range slices.Chunk(clients, forgetAtOnce) {
		found, err := list(ctx, s.readers, "reading deletions", "SELECT client FROM deleted WHERE client IN "+marks(len(asked)), clientArgs(asked),
			func(rows *sql.Rows) (uint64, error) {
				var c int64
				err := rows.Scan(&c)
				return uint64(c), err
			})
		if err != nil {
			return nil, err
		}
		deleted = append(deleted, found...)
	}
	return deleted, nil
}

// boundDeleted deletes notices when there are too many: the oldest of the networks that have the
// most, because anybody can name clients that do not exist.
func (s *State) boundDeleted(ctx context.Context) error {
	networks, err := list(ctx, s.readers, "counting deletions", "SELECT asn, count(*) FROM deleted GROUP BY asn", nil,
		func(rows *sql.Rows) (n amount, err error) {
			err = rows.Scan(&n.asn, &n.of)
			return n, err
		})
	if err != nil {
		return err
	}
	most := level(networks, maxDeleted)
	for _, n := range networks {
		for left := n.of - most; left > 0; left -= pruneRows {
			if err := s.write(ctx, "deleting old deletions", func(tx *sql.Tx) error {
				_, err := tx.Exec("DELETE FROM deleted WHERE client IN (SELECT client FROM deleted WHERE asn = ? ORDER BY received LIMIT ?)",
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
