//go:build cgo

package clickhousestore

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/gob"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/internal/stored"
)

// framesKnown returns how many frames of batches are stored. complete is false if the server does
// not say; then it may have more. It looks into the journal first, because what leaves it is in
// ClickHouse before.
func (s *Events) framesKnown(ctx context.Context, batches []detector.Batch) (known map[batchKey]int, complete bool, err error) {
	known = map[batchKey]int{}
	if complete = time.Now().UnixMilli() >= s.away.Load(); complete {
		if err := s.framesInJournal(ctx, batches, waitingOnly, known); err != nil {
			return nil, false, err
		}
		asking, done := context.WithTimeout(ctx, askedBriefly)
		defer done()
		err := s.framesStored(asking, idsOf(batches), known)
		if err == nil {
			return known, true, nil
		}
		if ctx.Err() != nil {
			return nil, false, err
		}
		complete = false
		s.away.Store(time.Now().Add(pauseAfterFailure).UnixMilli())
		s.o.Logger.Warn("ClickHouse does not say which batches it has: it is asked before they are inserted", "error", err)
	}
	return known, false, s.framesInJournal(ctx, batches, "", known)
}

// askedBriefly is how long batches wait for the server to say whether it has them.
const askedBriefly = 5 * time.Second

func idsOf(batches []detector.Batch) []stored.Batch {
	all := make([]stored.Batch, len(batches))
	for i := range batches {
		all[i].ID = batches[i].ID
	}
	return all
}

// framesStored adds what is in ClickHouse of batches with these ids.
func (s *Events) framesStored(ctx context.Context, batches []stored.Batch, known map[batchKey]int) error {
	cutoff, err := s.cutoff(ctx, detector.KindBatches)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(batches, idsAtOnce) {
		ids := make([]string, len(some))
		for i := range some {
			ids[i] = unhex(some[i].ID[:])
		}
		if err := s.each(ctx, "looking for batches", `SELECT id, sealing, toInt64(max(frames)) FROM batches WHERE id IN (`+strings.Join(ids, ",")+`) AND received >= ?
			GROUP BY id, sealing`, []any{cutoff}, func(rows driver.Rows) error {
			var id, sealing []byte
			var frames int64
			err := rows.Scan(&id, &sealing, &frames)
			note(known, id, sealing, int(frames))
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

func note(known map[batchKey]int, id, sealing []byte, frames int) {
	var key batchKey
	copy(key.id[:], id)
	copy(key.sealing[:], sealing)
	known[key] = max(known[key], frames)
}

// waitingOnly is a condition on ids whose batches are not in ClickHouse yet. Others stay for some
// time, for when the server does not answer.
const waitingOnly = " AND number >= (SELECT coalesce(min(number), 9223372036854775807) FROM waiting)"

// framesInJournal adds what is in the journal, under a condition.
func (s *Events) framesInJournal(ctx context.Context, batches []detector.Batch, condition string, known map[batchKey]int) error {
	for some := range slices.Chunk(batches, idsAtOnce) {
		args := make([]any, len(some))
		for i := range some {
			args[i] = some[i].ID[:]
		}
		if err := s.readJournal(ctx, "looking for batches", "SELECT id, sealing, frames FROM waiting_ids WHERE id IN (?"+strings.Repeat(", ?", len(args)-1)+")"+condition, args,
			func(rows *sql.Rows) error {
				var id, sealing sql.RawBytes
				var frames int
				err := rows.Scan(&id, &sealing, &frames)
				note(known, id, sealing, frames)
				return err
			}); err != nil {
			return err
		}
	}
	return nil
}

const (
	// checkedAtOnce is how many batches are looked up at a time.
	checkedAtOnce = 1000
	// idsKept is how many ids the journal keeps of batches that are in ClickHouse, some 100 MB.
	idsKept = 1_000_000
)

// checkBatches looks up batches that were taken while the server did not answer, and deletes those
// from the journal that ClickHouse has. They are checked before they are in a block, because the
// rows of a block stay the same. The caller holds shipping, so no block is made meanwhile.
func (s *Events) checkBatches(ctx context.Context) error {
	for {
		numbers, batches, err := s.unchecked(ctx)
		if err != nil || len(numbers) == 0 {
			return err
		}
		if begun, err := s.blockWaits(ctx); err != nil || begun {
			return err // what it has is known when it has ended
		}
		known := map[batchKey]int{}
		if err := s.framesStored(ctx, batches, known); err != nil {
			return err
		}
		repeated := 0
		if err := s.write(ctx, "checking batches", func(tx *sql.Tx) error {
			for i, number := range numbers {
				b := &batches[i]
				frames, has := known[batchKey{b.ID, b.Sealing}]
				_, whole := known[batchKey{id: b.ID}] // of a release that did not store sealings
				statement := "UPDATE waiting SET unchecked = 0 WHERE number = ?"
				if has && frames >= b.Frames || whole && !has {
					statement = "DELETE FROM waiting WHERE number = ?"
					repeated++
				}
				if _, err := tx.Exec(statement, number); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		if repeated > 0 {
			s.metrics.repeated.Add(float64(repeated))
			s.o.Logger.Warn("batches that ClickHouse has were taken again while it did not answer: they are not inserted, but sums of minutes count them twice", "batches", repeated)
		}
	}
}

// unchecked returns the first rows of the journal that are not checked, and their batches.
func (s *Events) unchecked(ctx context.Context) (numbers []int64, batches []stored.Batch, err error) {
	err = s.readJournal(ctx, "reading batches to be checked", "SELECT number, content FROM waiting WHERE unchecked = 1 ORDER BY number LIMIT ?", []any{checkedAtOnce}, func(rows *sql.Rows) error {
		var number int64
		var encoded sql.RawBytes
		if err := rows.Scan(&number, &encoded); err != nil {
			return err
		}
		var c content
		if err := gob.NewDecoder(bytes.NewReader(encoded)).Decode(&c); err != nil {
			return fmt.Errorf("a row of the journal %s cannot be read: %w", s.o.Journal, err)
		}
		for _, b := range c.Batches { // one
			numbers, batches = append(numbers, number), append(batches, b)
		}
		return nil
	})
	return numbers, batches, err
}

// forgetIDs deletes the oldest ids of batches that are in ClickHouse, if there are more than
// idsKept.
func (s *Events) forgetIDs(ctx context.Context) error {
	return s.write(ctx, "forgetting ids", func(tx *sql.Tx) error {
		_, err := tx.Exec(`DELETE FROM waiting_ids WHERE number < (SELECT number FROM waiting_ids ORDER BY number DESC LIMIT 1 OFFSET ?)
			AND number < coalesce((SELECT min(number) FROM waiting), 9223372036854775807)`, idsKept)
		return err
	})
}
