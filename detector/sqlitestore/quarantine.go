package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/report"
)

// maxQuarantine is the most batches that are kept although they will not be tried again.
const maxQuarantine = 100

// maxWaiting is detector.MaxWaiting, except in tests.
var maxWaiting int64 = detector.MaxWaiting

// quarantine stores the batches that could not be used. A batch that comes again is stored once. A
// batch that waits for something replaces one that does not.
func quarantine(tx *sql.Tx, page *detector.FeedPage) error {
	if len(page.Quarantined) == 0 {
		return nil
	}
	reasons := map[string]bool{}
	for i := range page.Quarantined {
		q := &page.Quarantined[i]
		delivery, err := report.AppendDelivery(nil, q.Delivery)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`INSERT INTO quarantine (batch, feed, received, reason, detail, segment, size, collector, asn, country, delivery, bucket)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET received = excluded.received, reason = excluded.reason,
			detail = excluded.detail, segment = excluded.segment, size = excluded.size, collector = excluded.collector, asn = excluded.asn,
			country = excluded.country, delivery = excluded.delivery, bucket = excluded.bucket WHERE excluded.reason IN `+waiting+" AND reason NOT IN "+waiting,
			q.ID[:], page.Feed, q.Received.UnixMilli(), q.Reason, q.Detail, blob(q.Segment), max(len(q.Segment), 4096), q.Collector, q.ASN, q.Country, delivery, q.Bucket)
		if err != nil {
			return err
		}
		reasons[q.Reason] = true
	}
	for reason := range reasons {
		if detector.Waits(reason) {
			if err := dropWaiting(tx, reason); err != nil {
				return err
			}
		}
	}
	return dropOthers(tx)
}

// waiting is a list of the reasons of batches that wait.
const waiting = "('" + detector.ReasonUnknownKey + "', '" + detector.ReasonDeferred + "', '" + detector.ReasonStore + "')"

// dropOthers deletes batches that will not be tried again, except for the newest. The places take
// turns.
func dropOthers(tx *sql.Tx) error {
	_, err := tx.Exec(`DELETE FROM quarantine WHERE id IN (SELECT id FROM (
		SELECT id, row_number() OVER (PARTITION BY asn ORDER BY turn, id DESC) AS turn FROM (
			SELECT id, asn, row_number() OVER (PARTITION BY asn, bucket ORDER BY id DESC) AS turn
			FROM quarantine WHERE reason NOT IN `+waiting+`))
		ORDER BY turn, id DESC LIMIT -1 OFFSET ?)`, maxQuarantine)
	return err
}

// dropWaiting makes room among the batches that wait for one reason. It deletes the oldest batches
// of the place with the most, in the autonomous system with the most. So a place that sends much
// does not displace the batches of others.
func dropWaiting(tx *sql.Tx, reason string) error {
	for {
		var total, asn, bucket int64
		err := tx.QueryRow(`SELECT total, asn, bucket FROM (SELECT sum(own) OVER () AS total, sum(own) OVER (PARTITION BY asn) AS network, asn, bucket, own
			FROM (SELECT asn, bucket, sum(size) AS own FROM quarantine WHERE reason = ? GROUP BY asn, bucket))
			ORDER BY network DESC, own DESC LIMIT 1`, reason).Scan(&total, &asn, &bucket)
		if err == sql.ErrNoRows || err == nil && total <= maxWaiting {
			return nil
		}
		if err != nil {
			return err
		}
		r, err := tx.Exec(`DELETE FROM quarantine WHERE id IN
			(SELECT id FROM quarantine WHERE reason = ? AND asn = ? AND bucket = ? ORDER BY id LIMIT 16)`, reason, asn, bucket)
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO quarantine_dropped (reason, batches) VALUES (?, ?)
			ON CONFLICT DO UPDATE SET batches = batches + excluded.batches`, reason, n); err != nil {
			return err
		}
	}
}

const heldColumns = "id, batch, feed, received, reason, detail, segment, collector, asn, country, delivery, bucket"

func scanHeld(rows *sql.Rows) (h detector.Held, err error) {
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
}

// Quarantine implements detector.State.
func (s *State) Quarantine(ctx context.Context, after uint64, limit int) ([]detector.Held, error) {
	return sqlitedb.List(ctx, s.readers, "reading the quarantine", "SELECT "+heldColumns+" FROM quarantine WHERE id > ? ORDER BY id LIMIT ?",
		[]any{int64(after), limit}, scanHeld)
}

// Deferred implements detector.State.
func (s *State) Deferred(ctx context.Context, limit int, bytes int64) ([]detector.Held, error) {
	return sqlitedb.List(ctx, s.readers, "reading the backlog", `SELECT `+heldColumns+` FROM quarantine JOIN (
			SELECT id AS next, turn, sum(size) OVER (ORDER BY turn, id) - size AS before FROM (
				SELECT id, size, sum(size) OVER (PARTITION BY asn ORDER BY turn, id) AS turn FROM (
					SELECT id, asn, size, sum(size) OVER (PARTITION BY asn, bucket ORDER BY size, id DESC) AS turn
					FROM quarantine WHERE reason = ?))
			ORDER BY turn, id LIMIT ?) ON id = next
		WHERE before = 0 OR before + size <= ? ORDER BY turn, id`, []any{detector.ReasonDeferred, limit, bytes}, scanHeld)
}

// Reclassify implements detector.State.
func (s *State) Reclassify(ctx context.Context, number uint64, reason, detail string) error {
	return s.write(ctx, "sorting the quarantine", func(tx *sql.Tx) error {
		if _, err := tx.Exec("UPDATE quarantine SET reason = ?, detail = ? WHERE id = ?", reason, detail, int64(number)); err != nil {
			return err
		}
		return dropOthers(tx)
	})
}

// QuarantineCounts implements detector.State.
func (s *State) QuarantineCounts(ctx context.Context) ([]detector.QuarantineCount, error) {
	return sqlitedb.List(ctx, s.readers, "counting the quarantine", `SELECT reason, count(*), sum(length(segment)), min(received),
		coalesce((SELECT batches FROM quarantine_dropped d WHERE d.reason = q.reason), 0) FROM quarantine q GROUP BY reason ORDER BY reason`,
		nil, func(rows *sql.Rows) (c detector.QuarantineCount, err error) {
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
