package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
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
		found, err := sqlitedb.List(ctx, s.readers, "reading deletions", "SELECT client FROM deleted WHERE client IN "+marks(len(asked)), clientArgs(asked),
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
