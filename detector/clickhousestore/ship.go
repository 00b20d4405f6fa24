//go:build cgo

package clickhousestore

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/gob"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

const (
	// blockBytes is about how much of the journal makes a block.
	blockBytes = 16 << 20
	// blockPages is how many rows of the journal a block has at most.
	blockPages = 4096
	// moveEvery is how often sums that are over go to ClickHouse.
	moveEvery = time.Minute
	// pauseAfterFailure is how long nothing is inserted of its own accord after an
	// insertion failed.
	pauseAfterFailure = 5 * time.Second
)

// run inserts what waits, about every Lag, until ctx ends.
func (s *Events) run(ctx context.Context) {
	defer close(s.stopped)
	moved := time.Now()
	pause := max(s.o.Lag, 100*time.Millisecond)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = max(s.o.Lag, 100*time.Millisecond)
		err := s.settle(ctx)
		if err == nil && time.Since(moved) >= moveEvery {
			moved = time.Now()
			err = errors.Join(s.moveSums(ctx, moved), s.forgetIDs(ctx))
		}
		if err != nil && ctx.Err() == nil {
			s.o.Logger.Warn("reports wait in the journal", "journal", s.o.Journal, "bytes", s.waiting.Load(), "error", err)
			pause = max(pause, pauseAfterFailure)
		}
	}
}

// settleForPeople inserts what waits if it has waited for longer than Lag. If that fails, the
// latest reports are missing in what is read, and Ready says so.
func (s *Events) settleForPeople(ctx context.Context) {
	since := s.since.Load()
	if since == 0 || time.Since(time.UnixMilli(since)) < s.o.Lag {
		return
	}
	_ = s.settle(ctx) // remembered in s.failed
}

// settle inserts all that waits now.
func (s *Events) settle(ctx context.Context) (err error) {
	if s.since.Load() == 0 && s.failed.Load() == nil {
		return nil
	}
	s.shipping.Lock()
	defer s.shipping.Unlock()
	err = s.prepare(ctx)
	for err == nil && s.since.Load() != 0 {
		err = s.ship(ctx)
	}
	switch {
	case err == nil:
		s.failed.Store(nil)
	case ctx.Err() == nil:
		s.failed.Store(&err)
	}
	return err
}

// block is a range of the journal that is inserted together.
type block struct {
	number uint64
	upto   int64 // its last row of the journal
	tried  bool  // it may be in some tables
	content
}

// ship inserts the next block and deletes it from the journal.
func (s *Events) ship(ctx context.Context) error {
	if err := s.checkBatches(ctx); err != nil {
		return err
	}
	b, err := s.nextBlock(ctx)
	if err != nil {
		return err
	}
	if b.upto == 0 {
		return s.measure(ctx)
	}
	begun := time.Now()
	if err := s.insert(ctx, b); err != nil {
		return err
	}
	if err := s.write(ctx, "deleting a block from the journal", func(tx *sql.Tx) error {
		for _, statement := range []string{"DELETE FROM waiting WHERE number <= ?", "UPDATE block SET upto = 0 WHERE upto = ?"} {
			if _, err := tx.Exec(statement, b.upto); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	s.metrics.blocks.Inc()
	s.metrics.took.Observe(time.Since(begun).Seconds())
	return s.measure(ctx)
}

// nextBlock returns the block that was begun, or begins one. Its upto is 0 if nothing waits.
func (s *Events) nextBlock(ctx context.Context) (*block, error) {
	b := &block{}
	if err := s.write(ctx, "making a block", func(tx *sql.Tx) error {
		var number int64
		if err := tx.QueryRow("SELECT number, upto FROM block").Scan(&number, &b.upto); err != nil {
			return err
		}
		if b.tried = b.upto != 0; !b.tried {
			var err error
			if b.upto, err = blockEnd(tx); err != nil || b.upto == 0 {
				return err
			}
			// A number that no other journal has used, should this one have replaced it.
			number = max(number+1, time.Now().UnixMicro())
			if _, err := tx.Exec("UPDATE block SET number = ?, upto = ?", number, b.upto); err != nil {
				return err
			}
		}
		b.number = uint64(number)
		return nil
	}); err != nil || b.upto == 0 {
		return b, err
	}
	return b, s.readBlock(ctx, b)
}

// blockEnd returns the last row of the journal that a new block has, 0 if nothing waits that was
// checked.
func blockEnd(tx *sql.Tx) (upto int64, err error) {
	rows, err := tx.Query(`SELECT number, length(content) FROM waiting
		WHERE number < coalesce((SELECT min(number) FROM waiting WHERE unchecked = 1), 9223372036854775807) ORDER BY number LIMIT ?`, blockPages)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for bytes := int64(0); bytes < blockBytes && rows.Next(); {
		var size int64
		if err := rows.Scan(&upto, &size); err != nil {
			return 0, err
		}
		bytes += size
	}
	return upto, rows.Err()
}

// readBlock reads the rows of a block.
func (s *Events) readBlock(ctx context.Context, b *block) error {
	if err := s.readJournal(ctx, "reading a block", "SELECT content FROM waiting WHERE number <= ? ORDER BY number", []any{b.upto}, func(rows *sql.Rows) error {
		var encoded sql.RawBytes
		if err := rows.Scan(&encoded); err != nil {
			return err
		}
		var c content
		if err := gob.NewDecoder(bytes.NewReader(encoded)).Decode(&c); err != nil {
			return fmt.Errorf("a row of the journal %s cannot be read: %w", s.o.Journal, err)
		}
		b.add(&c)
		return nil
	}); err != nil {
		return err
	}
	return b.fold()
}

// insert inserts a block into all tables.
func (s *Events) insert(ctx context.Context, b *block) error {
	if b.tried {
		if err := s.awaitEnd(ctx, b); err != nil {
			return err
		}
	}
	for i := range tables {
		t := &tables[i]
		if err := s.insertInto(ctx, t, b); err != nil {
			return err
		}
	}
	s.listed.add(b)
	return nil
}

// insertInto inserts the rows of a table that it does not have yet.
func (s *Events) insertInto(ctx context.Context, t *table, b *block) error {
	days := t.rows(b, &s.listed)
	if len(days) == 0 {
		return nil
	}
	has := map[int64]bool{}
	if b.tried && t.has != "" {
		if err := s.each(ctx, "looking for a block", t.has, []any{b.number}, func(rows driver.Rows) error {
			var day time.Time
			err := rows.Scan(&day)
			has[day.Unix()] = true
			return err
		}); err != nil {
			return err
		}
	}
	for day, rows := range days {
		if has[day] {
			continue
		}
		if err := s.insertRows(ctx, t, fmt.Sprintf("%s-%d-%d", queryPrefix(b.number), t.number, day), rows); err != nil {
			return err
		}
	}
	return nil
}

// queryPrefix begins the ids of the statements that insert a block.
func queryPrefix(block uint64) string { return fmt.Sprintf("heliograph-%d", block) }

// errUnderWay says that the server has not ended an insertion yet whose answer was lost.
var errUnderWay = errors.New("the server is still busy with an earlier insertion of the same rows")

// awaitEnd waits until no insertion of a block is under way any more.
func (s *Events) awaitEnd(ctx context.Context, b *block) error {
	for end := time.Now().Add(s.o.Deadline); ; {
		n, err := s.number(ctx, "looking for insertions", "SELECT toInt64(count()) FROM system.processes WHERE startsWith(query_id, ?)", queryPrefix(b.number)+"-")
		switch {
		case err != nil:
			return err
		case n == 0:
			return nil
		case time.Now().After(end):
			return s.named("inserting a block", errUnderWay)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
