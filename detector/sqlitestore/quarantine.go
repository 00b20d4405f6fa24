package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/report"
)

// maxQuarantine is how many batches are kept that no key can help, the newest ones.
const maxQuarantine = 100

// maxWaiting is detector.MaxWaiting, but in tests.
var maxWaiting int64 = detector.MaxWaiting

// quarantine keeps what could not be used; one that comes again is kept once.
func quarantine(tx *sql.Tx, page *detector.FeedPage) error {
	if len(page.Quarantined) == 0 {
		return nil
	}
	for i := range page.Quarantined {
		q := &page.Quarantined[i]
		delivery, err := report.AppendDelivery(nil, q.Delivery)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`INSERT INTO quarantine (batch, feed, received, reason, detail, segment, size, collector, asn, country, delivery, bucket)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			q.ID[:], page.Feed, q.Received.UnixMilli(), q.Reason, q.Detail, blob(q.Segment), max(len(q.Segment), 4096), q.Collector, q.ASN, q.Country, delivery, q.Bucket)
		if err != nil {
			return err
		}
	}
	if err := dropWaiting(tx); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM quarantine WHERE reason <> ?1 AND id <=
		(SELECT id FROM quarantine WHERE reason <> ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`, detector.ReasonUnknownKey, maxQuarantine)
	return err
}

// dropWaiting makes room among the batches that wait for a key: the oldest go of the network that
// has the most, so that one that sends much costs the others nothing.
func dropWaiting(tx *sql.Tx) error {
	for {
		var total, asn int64
		err := tx.QueryRow(`SELECT total, asn FROM (SELECT sum(sum(size)) OVER () AS total, asn, sum(size) AS own
			FROM quarantine WHERE reason = ? GROUP BY asn) ORDER BY own DESC LIMIT 1`, detector.ReasonUnknownKey).Scan(&total, &asn)
		if err == sql.ErrNoRows || err == nil && total <= maxWaiting {
			return nil
		}
		if err != nil {
			return err
		}
		r, err := tx.Exec(`DELETE FROM quarantine WHERE id IN
			(SELECT id FROM quarantine WHERE reason = ? AND asn = ? ORDER BY id LIMIT 16)`, detector.ReasonUnknownKey, asn)
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		if err != nil {
			return err
		}
		if _, err := tx.Exec("UPDATE state SET waiting_dropped = waiting_dropped + ?", n); err != nil {
			return err
		}
	}
}

// Quarantine implements detector.State.
func (s *State) Quarantine(ctx context.Context, after uint64, limit int) ([]detector.Held, error) {
	return list(ctx, s.readers, "reading the quarantine", `SELECT id, batch, feed, received, reason, detail, segment, collector, asn, country, delivery, bucket
		FROM quarantine WHERE id > ? ORDER BY id LIMIT ?`, []any{int64(after), limit}, func(rows *sql.Rows) (h detector.Held, err error) {
		var received int64
		var id, delivery sql.RawBytes
		if err := rows.Scan(&h.Number, &id, &h.Feed, &received, &h.Reason, &h.Detail, &h.Segment, &h.Collector, &h.ASN, &h.Country, &delivery, &h.Bucket); err != nil {
			return h, err
		}
		copy(h.ID[:], id)
		h.Received = time.UnixMilli(received)
		if len(delivery) > 0 {
			h.Delivery, err = report.DecodeDelivery(delivery)
		}
		return h, err
	})
}

// QuarantineCounts implements detector.State.
func (s *State) QuarantineCounts(ctx context.Context) ([]detector.QuarantineCount, error) {
	return list(ctx, s.readers, "counting the quarantine", `SELECT reason, count(*), sum(length(segment)), min(received),
		CASE reason WHEN ? THEN (SELECT waiting_dropped FROM state) ELSE 0 END FROM quarantine GROUP BY reason ORDER BY reason`,
		[]any{detector.ReasonUnknownKey}, func(rows *sql.Rows) (c detector.QuarantineCount, err error) {
			var oldest int64
			err = rows.Scan(&c.Reason, &c.Batches, &c.Bytes, &oldest, &c.Dropped)
			c.Oldest = time.UnixMilli(oldest)
			return c, err
		})
}

// Release implements detector.State.
func (s *State) Release(ctx context.Context, numbers []uint64) error {
	return s.write(ctx, "releasing from the quarantine", func(tx *sql.Tx) error {
		for _, n := range numbers {
			if _, err := tx.Exec("DELETE FROM quarantine WHERE id = ?", int64(n)); err != nil {
				return fmt.Errorf("batch number %d: %w", n, err)
			}
		}
		return nil
	})
}
