//go:build cgo

package clickhousestore

import (
	"context"
	"database/sql"
	"fmt"
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

// Append implements detector.Events. While the server does not answer, batches are taken whose ids
// the journal does not have. Whether the server has them is found out before they are inserted.
func (s *Events) Append(ctx context.Context, page *detector.FeedPage) (isNew []bool, err error) {
	s.appending.Lock()
	defer s.appending.Unlock()
	if err := s.room(); err != nil {
		s.metrics.refused.Inc()
		return nil, err
	}
	known, complete, err := s.framesKnown(ctx, page.Batches)
	if err != nil {
		return nil, err
	}
	var checked addition
	var all []addition
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
		row := stored.Batch{ID: b.ID, Sealing: b.Sealing, Frames: b.Frames(), Again: again, Feed: page.Feed, Received: b.Received.UnixMilli(),
			App: b.App, Records: b.Records, ASN: b.ASN}
		if again {
			b = b.After(frames)
		}
		if !complete && !again { // a row of its own, which can be left out
			one := addition{unchecked: true}
			one.add(row, b)
			all = append(all, one)
		} else {
			checked.add(row, b)
		}
	}
	if len(checked.fresh) > 0 {
		all = append(all, checked)
	}
	if len(all) == 0 {
		return isNew, nil
	}
	return isNew, s.keep(ctx, all)
}

// addition is a row that is added to the journal.
type addition struct {
	content   content
	fresh     []*detector.Batch // what is new of its batches
	unchecked bool              // whether ClickHouse has its batch is not known
}

func (a *addition) add(row stored.Batch, fresh *detector.Batch) {
	a.content.Batches, a.fresh = append(a.content.Batches, row), append(a.fresh, fresh)
}

// fill makes the rest of the content.
func (a *addition) fill() {
	var counts []model.Count
	for _, b := range a.fresh {
		counts = append(counts, b.Counts...)
		a.content.Samples = append(a.content.Samples, b.Samples...)
		a.content.Probes = append(a.content.Probes, b.Probes...)
	}
	a.content.addCells(detector.Fold(counts))
}

// keep stores what is new of batches in the journal.
func (s *Events) keep(ctx context.Context, all []addition) error {
	var samples []model.Sample
	var fresh []*detector.Batch
	for i := range all {
		all[i].fill()
		samples, fresh = append(samples, all[i].content.Samples...), append(fresh, all[i].fresh...)
	}
	errs := s.errorKey.RollUp(samples)
	return s.store(ctx, "storing batches", all, func(tx *sql.Tx) error {
		if err := rollups.AddDurations(tx, "durations", fresh); err != nil {
			return err
		}
		if err := addSums(tx, errs); err != nil {
			return err
		}
		return rollups.Keep(tx, fresh)
	})
}

// store adds rows to the journal, and in the same transaction what also adds.
func (s *Events) store(ctx context.Context, doing string, all []addition, also func(tx *sql.Tx) error) error {
	encoded, bytes := make([][]byte, len(all)), 0
	for i := range all {
		var err error
		if encoded[i], err = all[i].content.encode(); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		bytes += len(encoded[i])
	}
	s.counting.Lock()
	defer s.counting.Unlock()
	now := time.Now().UnixMilli()
	if err := s.write(ctx, doing, func(tx *sql.Tx) error {
		for i := range all {
			if err := keepRow(tx, now, encoded[i], &all[i]); err != nil {
				return err
			}
		}
		return also(tx)
	}); err != nil {
		return err
	}
	s.waiting.Add(int64(bytes))
	s.since.CompareAndSwap(0, now)
	return nil
}

// keepRow stores a row, and the ids of its batches if they are to be recognised.
func keepRow(tx *sql.Tx, now int64, encoded []byte, a *addition) error {
	r, err := tx.Exec("INSERT INTO waiting (stored, content, unchecked) VALUES (?, ?, ?)", now, encoded, a.unchecked)
	if err != nil || len(a.fresh) == 0 {
		return err
	}
	number, err := r.LastInsertId()
	if err != nil {
		return err
	}
	return keepIDs(tx, a.content.Batches, number)
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

// AddProbes implements detector.Events.
func (s *Events) AddProbes(ctx context.Context, results []model.ProbeResult) error {
	if len(results) == 0 {
		return nil
	}
	s.appending.Lock()
	defer s.appending.Unlock()
	if err := s.room(); err != nil {
		s.metrics.refused.Inc()
		return err
	}
	return s.store(ctx, "storing probe results", []addition{{content: content{Probes: results}}}, func(*sql.Tx) error { return nil })
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
