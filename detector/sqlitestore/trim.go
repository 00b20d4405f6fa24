package sqlitestore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/detector"
)

// kind is a kind of data that grows with the reports.
type kind struct {
	name   string
	part   float64 // part of the store, if there is too little room
	rows   string  // selects the number of rows and their bytes
	drop   string  // deletes about ?1 of the oldest rows
	oldest string  // selects the oldest time in Unix ms, NULL if there is none
}

// rowBytes is what a row needs in addition to what is measured: its numbers, its entries in
// indexes, and free space in pages.
const rowBytes = "120"

// kinds lists the kinds. Their parts add up to 1. Series are deleted after their cells.
var kinds = []kind{
	{detector.KindCells, .5, "SELECT count(*), coalesce(sum(length(clients) + length(spread) + length(places) + " + rowBytes + "), 0) + 2 * " + rowBytes + " * (SELECT count(*) FROM series) FROM cells",
		"DELETE FROM cells WHERE bin <= coalesce((SELECT bin FROM cells ORDER BY bin LIMIT 1 OFFSET ?1), (SELECT max(bin) FROM cells))",
		"SELECT min(bin) FROM cells"},
	{detector.KindSamples, .25, `SELECT count(*), coalesce(sum(length(url) + length(target) + length(message) + length(stack) + 2 * ` + rowBytes + `), 0) FROM samples`,
		"DELETE FROM samples WHERE id IN (SELECT id FROM samples ORDER BY at LIMIT ?1)", "SELECT min(at) FROM samples"},
	{detector.KindProbes, .125, "SELECT count(*), coalesce(sum(length(steps) + 2 * " + rowBytes + "), 0) FROM probes",
		"DELETE FROM probes WHERE id IN (SELECT id FROM probes ORDER BY at LIMIT ?1)", "SELECT min(at) FROM probes"},
	{detector.KindBatches, .125, "SELECT count(*), coalesce(sum(length(feed) + length(app) + " + rowBytes + "), 0) FROM batches",
		"DELETE FROM batches WHERE id IN (SELECT id FROM batches ORDER BY received LIMIT ?1)", "SELECT min(received) FROM batches"},
}

// Size implements detector.Events.
func (s *Events) Size(ctx context.Context) (size detector.StoreSize, err error) {
	size.Oldest = map[string]time.Time{}
	if size.Bytes, err = s.used(ctx); err != nil {
		return size, err
	}
	for _, k := range kinds {
		var oldest sql.NullInt64
		if err := s.readers.QueryRowContext(ctx, k.oldest).Scan(&oldest); err != nil {
			return size, fmt.Errorf("measuring %s: %w", k.name, err)
		}
		if oldest.Valid {
			size.Oldest[k.name] = time.UnixMilli(oldest.Int64)
		}
	}
	return size, nil
}

// used returns how many bytes of the file are in use. Free pages do not count, because they will
// be reused.
func (s *Events) used(ctx context.Context) (n int64, err error) {
	err = s.readers.QueryRowContext(ctx, `SELECT (page_count - freelist_count) * page_size
		FROM pragma_page_count, pragma_freelist_count, pragma_page_size`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("measuring the store: %w", err)
	}
	return n, nil
}

// trimTo is the part of maxBytes to which Trim reduces the store, so that it need not begin
// again at once.
const trimTo = .9

// Trim implements detector.Events. If there is too much data, it reads every row, and
// otherwise none.
func (s *Events) Trim(ctx context.Context, maxBytes int64) (dropped map[string]int64, err error) {
	if err := s.wipeAgain(ctx); err != nil {
		return nil, err
	}
	used, err := s.used(ctx)
	if err != nil || used <= maxBytes {
		return nil, err
	}
	dropped = map[string]int64{}
	for least := int64(trimTo * float64(maxBytes)); used > least; {
		before := used
		if err := s.trim(ctx, used, used-least, dropped); err != nil {
			return dropped, err
		}
		if used, err = s.used(ctx); err != nil || used >= before {
			return dropped, err // the rest is data of other kinds
		}
	}
	return dropped, nil
}

// trim frees about need of the used bytes.
func (s *Events) trim(ctx context.Context, used, need int64, dropped map[string]int64) error {
	heaps, err := s.measure(ctx)
	if err != nil {
		return err
	}
	total := int64(1)
	for _, h := range heaps {
		total += h.bytes
	}
	left := float64(need) * float64(total) / float64(used) // as measured
	for left > 0 {
		slices.SortStableFunc(heaps, func(a, b *heap) int { return cmp.Compare(b.load(), a.load()) })
		h := heaps[0]
		if h.rows == 0 {
			break
		}
		n, err := s.dropOldest(ctx, h)
		if err != nil {
			return err
		}
		dropped[h.name] += n
		gone := h.bytes / h.rows * min(n, h.rows)
		left -= float64(gone)
		h.bytes -= gone
		if h.rows -= n; n == 0 || h.rows < 0 {
			h.rows = 0
		}
	}
	return s.dropSeries(ctx)
}

// heap is the amount of data of a kind.
type heap struct {
	kind
	rows, bytes int64
}

// load returns the amount relative to the kind's part.
func (h *heap) load() float64 {
	if h.rows == 0 {
		return 0
	}
	return float64(h.bytes) / h.part
}

func (s *Events) measure(ctx context.Context) (all []*heap, err error) {
	for _, k := range kinds {
		h := &heap{kind: k}
		if err := s.readers.QueryRowContext(ctx, k.rows).Scan(&h.rows, &h.bytes); err != nil {
			return nil, fmt.Errorf("measuring %s: %w", k.name, err)
		}
		all = append(all, h)
	}
	return all, nil
}

// dropOldest deletes a portion of a kind.
func (s *Events) dropOldest(ctx context.Context, h *heap) (n int64, err error) {
	err = s.write(ctx, "making room", func(tx *sql.Tx) error {
		r, err := tx.Exec(h.drop, min(pruneRows, max(h.rows/20, 1)))
		if err == nil {
			n, err = r.RowsAffected()
		}
		s.names.forget()
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// dropSeries deletes the series that have no cells any more.
func (s *Events) dropSeries(ctx context.Context) error {
	return s.write(ctx, "making room", func(tx *sql.Tx) error {
		_, err := tx.Exec("DELETE FROM series WHERE id NOT IN (SELECT series FROM cells)")
		s.names.forget()
		return err
	})
}
