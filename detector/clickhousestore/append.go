//go:build cgo

package clickhousestore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/internal/rollups"
	"github.com/heliograph-net/heliograph/detector/internal/stored"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// batchKey identifies a batch.
type batchKey struct{ id, sealing [16]byte }

// idsAtOnce is how many ids one statement asks for.
const idsAtOnce = 1000

// Append implements detector.Events.
func (s *Events) Append(ctx context.Context, page *detector.FeedPage) (isNew []bool, err error) {
	s.appending.Lock()
	defer s.appending.Unlock()
	if err := s.room(); err != nil {
		return nil, err
	}
	known, err := s.framesKnown(ctx, page.Batches)
	if err != nil {
		return nil, err
	}
	var c content
	var fresh []*detector.Batch
	isNew = make([]bool, len(page.Batches))
	for i := range page.Batches {
		b := &page.Batches[i]
		key := batchKey{b.ID, b.Sealing}
		frames, again := known[key]
		_, whole := known[batchKey{id: b.ID}] // of a release that did not store sealings
		if again && b.Frames() <= frames || whole && !again {
			continue
		}
		isNew[i], known[key] = true, b.Frames()
		c.Batches = append(c.Batches, stored.Batch{ID: b.ID, Sealing: b.Sealing, Frames: b.Frames(), Again: again, Feed: page.Feed, Received: b.Received.UnixMilli(),
			App: b.App, Records: b.Records, ASN: b.ASN})
		if again {
			b = b.After(frames)
		}
		fresh = append(fresh, b)
	}
	if len(fresh) == 0 {
		return isNew, nil
	}
	return isNew, s.keep(ctx, &c, fresh)
}

// keep stores what is new of batches in the journal.
func (s *Events) keep(ctx context.Context, c *content, fresh []*detector.Batch) error {
	var counts []model.Count
	for _, b := range fresh {
		counts = append(counts, b.Counts...)
		c.Samples = append(c.Samples, b.Samples...)
		c.Probes = append(c.Probes, b.Probes...)
	}
	c.addCells(detector.Fold(counts))
	errs := s.errorKey.RollUp(c.Samples)
	return s.store(ctx, "storing batches", c, func(tx *sql.Tx, number int64) error {
		if err := keepIDs(tx, c.Batches, number); err != nil {
			return err
		}
		if err := rollups.AddDurations(tx, "durations", fresh); err != nil {
			return err
		}
		if err := addSums(tx, errs); err != nil {
			return err
		}
		return rollups.Keep(tx, fresh)
	})
}

// store adds content to the journal, and in the same transaction what also adds.
func (s *Events) store(ctx context.Context, doing string, c *content, also func(tx *sql.Tx, number int64) error) error {
	encoded, err := c.encode()
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	s.counting.Lock()
	defer s.counting.Unlock()
	now := time.Now().UnixMilli()
	if err := s.write(ctx, doing, func(tx *sql.Tx) error {
		r, err := tx.Exec("INSERT INTO waiting (stored, content) VALUES (?, ?)", now, encoded)
		if err != nil {
			return err
		}
		number, err := r.LastInsertId()
		if err != nil {
			return err
		}
		return also(tx, number)
	}); err != nil {
		return err
	}
	s.waiting.Add(int64(len(encoded)))
	s.since.CompareAndSwap(0, now)
	return nil
}

func keepIDs(tx *sql.Tx, batches []stored.Batch, number int64) error {
	for i := range batches {
		b := &batches[i]
		if _, err := tx.Exec("INSERT OR REPLACE INTO waiting_ids (id, sealing, frames, number) VALUES (?, ?, ?, ?)", b.ID[:], b.Sealing[:], b.Frames, number); err != nil {
			return err
		}
	}
	return nil
}

// framesKnown returns how many frames of batches are stored. It looks into the journal first,
// because what leaves it is in ClickHouse before.
func (s *Events) framesKnown(ctx context.Context, batches []detector.Batch) (map[batchKey]int, error) {
	known := map[batchKey]int{}
	for some := range slices.Chunk(batches, idsAtOnce) {
		if err := s.framesWaiting(ctx, some, known); err != nil {
			return nil, err
		}
	}
	cutoff, err := s.cutoff(ctx, detector.KindBatches)
	if err != nil {
		return nil, err
	}
	for some := range slices.Chunk(batches, idsAtOnce) {
		ids := make([]string, len(some))
		for i := range some {
			ids[i] = unhex(some[i].ID[:])
		}
		err := s.each(ctx, "looking for batches", `SELECT id, sealing, toInt64(max(frames)) FROM batches WHERE id IN (`+strings.Join(ids, ",")+`) AND received >= ?
			GROUP BY id, sealing`, []any{cutoff}, func(rows driver.Rows) error {
			var key batchKey
			var id, sealing []byte
			var frames int64
			if err := rows.Scan(&id, &sealing, &frames); err != nil {
				return err
			}
			copy(key.id[:], id)
			copy(key.sealing[:], sealing)
			known[key] = max(known[key], int(frames))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return known, nil
}

// framesWaiting adds what is in the journal.
func (s *Events) framesWaiting(ctx context.Context, batches []detector.Batch, known map[batchKey]int) error {
	args := make([]any, len(batches))
	for i := range batches {
		args[i] = batches[i].ID[:]
	}
	return s.readJournal(ctx, "looking for batches", "SELECT id, sealing, frames FROM waiting_ids WHERE id IN (?"+strings.Repeat(", ?", len(args)-1)+")", args,
		func(rows *sql.Rows) error {
			var key batchKey
			var id, sealing sql.RawBytes
			var frames int
			if err := rows.Scan(&id, &sealing, &frames); err != nil {
				return err
			}
			copy(key.id[:], id)
			copy(key.sealing[:], sealing)
			known[key] = frames
			return nil
		})
}

// AddProbes implements detector.Events.
func (s *Events) AddProbes(ctx context.Context, results []model.ProbeResult) error {
	if len(results) == 0 {
		return nil
	}
	s.appending.Lock()
	defer s.appending.Unlock()
	if err := s.room(); err != nil {
		return err
	}
	return s.store(ctx, "storing probe results", &content{Probes: results}, func(*sql.Tx, int64) error { return nil })
}

// Batch implements detector.Events.
func (s *Events) Batch(ctx context.Context, id report.BatchID) (b model.BatchInfo, found bool, err error) {
	s.settleForPeople(ctx)
	cutoff, err := s.cutoff(ctx, detector.KindBatches)
	if err != nil {
		return b, false, err
	}
	err = s.each(ctx, "reading a batch", "SELECT feed, received, app, toInt64(records) FROM batches WHERE id = "+unhex(id[:])+" AND received >= ? ORDER BY records DESC, received LIMIT 1",
		[]any{cutoff}, func(rows driver.Rows) error {
			var received, records int64
			err := rows.Scan(&b.Feed, &received, &b.App, &records)
			b.Received, b.Records, found = time.UnixMilli(received), int(records), true
			return err
		})
	return b, found, err
}

// Batches implements detector.Events.
func (s *Events) Batches(ctx context.Context, since time.Time) (uint64, error) {
	s.settleForPeople(ctx)
	from, err := s.from(ctx, detector.KindBatches, since)
	if err != nil {
		return 0, err
	}
	n, err := s.number(ctx, "counting batches", "SELECT toInt64(countIf(again = 0)) FROM batches WHERE day >= ? AND received >= ?", dayText(from), from)
	return uint64(n), err
}
