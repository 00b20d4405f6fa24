package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/privacy/seal"
)

// version8 adds what clients claim about receipts, and the time from which on each feed has been
// read.
const version8 = `
CREATE TABLE claims ( -- of receipts for batches that have not come
	collector TEXT NOT NULL,
	name      BLOB NOT NULL, -- as detector.BatchName
	frames    INTEGER NOT NULL,
	told      INTEGER NOT NULL,
	asn       INTEGER NOT NULL,
	bucket    INTEGER NOT NULL,
	client    INTEGER NOT NULL,
	PRIMARY KEY (collector, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE claimed ( -- how many receipts clients named
	collector TEXT NOT NULL,
	day       INTEGER NOT NULL, -- from 1 January 1970
	asn       INTEGER NOT NULL,
	batches   INTEGER NOT NULL,
	PRIMARY KEY (collector, day, asn)
) STRICT, WITHOUT ROWID;
ALTER TABLE cursors ADD COLUMN since INTEGER NOT NULL DEFAULT 0; -- when it was stored first; 0: before this was noted
`

// maxClaims is detector.MaxClaims, except in tests.
var maxClaims = detector.MaxClaims

// saveClaims stores the claims of a page.
func saveClaims(tx *sql.Tx, page *detector.FeedPage) error {
	for i := range page.Claims {
		c := &page.Claims[i]
		if _, err := tx.Exec("INSERT INTO claims (collector, name, frames, told, asn, bucket, client) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			c.Collector, c.Name[:], c.Frames, c.Told.UnixMilli(), c.ASN, c.Bucket, int64(c.Client)); err != nil {
			return err
		}
	}
	for i := range page.Claimed {
		c := &page.Claimed[i]
		if _, err := tx.Exec(`INSERT INTO claimed (collector, day, asn, batches) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET batches = batches + excluded.batches`, c.Collector, c.Day.UnixMilli()/dayMS, c.ASN, c.Batches); err != nil {
			return err
		}
	}
	if len(page.Claims) == 0 {
		return nil
	}
	return boundClaims(tx)
}

// boundClaims deletes claims about collectors that have too many: the oldest of the network with
// the most.
func boundClaims(tx *sql.Tx) error {
	for {
		var collector string
		var all, asn, own int64
		err := tx.QueryRow(`SELECT collector, total, asn, own FROM (SELECT collector, asn, count(*) AS own,
			sum(count(*)) OVER (PARTITION BY collector) AS total FROM claims GROUP BY collector, asn)
			WHERE total > ? ORDER BY own DESC LIMIT 1`, maxClaims).Scan(&collector, &all, &asn, &own)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM claims WHERE (collector, name) IN
			(SELECT collector, name FROM claims WHERE collector = ?1 AND asn = ?2 ORDER BY told LIMIT ?3)`,
			collector, asn, min(all-int64(maxClaims), (own+1)/2)); err != nil {
			return err
		}
	}
}

// FeedSince implements detector.State.
func (s *State) FeedSince(ctx context.Context, feed string) (time.Time, error) {
	var since int64
	err := s.readers.QueryRowContext(ctx, "SELECT since FROM cursors WHERE feed = ?", feed).Scan(&since)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, fmt.Errorf("reading since when a feed is read: %w", err)
	}
	if since == 0 {
		return time.Time{}, nil
	}
	return time.UnixMilli(since), nil
}

// Claims implements detector.State.
func (s *State) Claims(ctx context.Context) ([]detector.Claim, error) {
	return sqlitedb.List(ctx, s.readers, "reading claims", "SELECT collector, name, frames, told, asn, bucket, client FROM claims", nil,
		func(rows *sql.Rows) (c detector.Claim, err error) {
			var name sql.RawBytes
			var told, client int64
			err = rows.Scan(&c.Collector, &name, &c.Frames, &told, &c.ASN, &c.Bucket, &client)
			copy(c.Name[:], name)
			c.Told, c.Client = time.UnixMilli(told), uint64(client)
			return c, err
		})
}

// SettleClaims implements detector.State.
func (s *State) SettleClaims(ctx context.Context, claims []detector.Claim) error {
	return s.write(ctx, "settling claims", func(tx *sql.Tx) error {
		for i := range claims {
			if _, err := tx.Exec("DELETE FROM claims WHERE collector = ? AND name = ?", claims[i].Collector, claims[i].Name[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Claimed implements detector.State.
func (s *State) Claimed(ctx context.Context, since time.Time) ([]detector.Claimed, error) {
	return sqlitedb.List(ctx, s.readers, "reading what was claimed", "SELECT collector, day, asn, batches FROM claimed WHERE day >= ? ORDER BY collector, day, asn",
		[]any{since.UnixMilli() / dayMS}, func(rows *sql.Rows) (c detector.Claimed, err error) {
			var number int64
			err = rows.Scan(&c.Collector, &number, &c.ASN, &c.Batches)
			c.Day = time.UnixMilli(number * dayMS)
			return c, err
		})
}

// Came implements detector.Events. A batch's name begins like the id by which it is stored.
func (s *Events) Came(ctx context.Context, names []detector.BatchName) ([]bool, error) {
	// batches stored by releases that did not know sealings have none
	st, err := s.readers.PrepareContext(ctx, `SELECT EXISTS (SELECT 1 FROM batches WHERE id BETWEEN ? AND ?
		AND (sealing = x'' OR substr(sealing, 1, 8) = ? AND frames >= ?))`)
	if err != nil {
		return nil, fmt.Errorf("looking for batches: %w", err)
	}
	defer st.Close()
	came := make([]bool, len(names))
	for i := range names {
		n := &names[i]
		low, high := ids(n)
		if err := st.QueryRowContext(ctx, low, high, n.Name[8:], n.Frames).Scan(&came[i]); err != nil {
			return nil, fmt.Errorf("looking for batches: %w", err)
		}
	}
	return came, nil
}

// ids returns the lowest and the highest id that a batch with this name can have.
func ids(n *detector.BatchName) (low, high []byte) {
	low = append(slices.Clone(n.Name[:8]), make([]byte, 8)...)
	return low, append(slices.Clone(n.Name[:8]), slices.Repeat([]byte{0xff}, 8)...)
}

// Quarantines implements detector.State.
func (s *State) Quarantines(ctx context.Context, names []detector.BatchName) ([]bool, error) {
	held := make([]bool, len(names))
	var some bool
	if err := s.readers.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM quarantine)").Scan(&some); err != nil {
		return nil, fmt.Errorf("looking into the quarantine: %w", err)
	}
	if !some {
		return held, nil
	}
	for i := range names {
		n := &names[i]
		low, high := ids(n)
		if err := sqlitedb.Each(ctx, s.readers, "looking into the quarantine", "SELECT segment FROM quarantine WHERE batch BETWEEN ? AND ?", []any{low, high},
			func(rows *sql.Rows) error {
				var segment sql.RawBytes
				if err := rows.Scan(&segment); err != nil {
					return err
				}
				info, err := seal.ParseSegment(segment)
				held[i] = held[i] || err == nil && info.Frames >= n.Frames && seal.Name(segment) == n.Name
				return nil
			}); err != nil {
			return nil, err
		}
	}
	return held, nil
}
