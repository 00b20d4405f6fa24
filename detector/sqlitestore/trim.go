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
	name string
	part float64 // part of the store, if there is too little room
	// part of the kind beyond which the network that has the most loses its oldest first
	fair    float64
	amounts string // selects autonomous systems, with the number of their rows and their bytes
	drop    string // deletes about ?1 of the oldest rows
	// deletes at most ?1 of the oldest rows of autonomous system ?2, of samples selects them; empty
	// if networks do not matter
	dropOf string
	oldest string // selects the oldest time in Unix ms, NULL if there is none
}

// rowBytes is what a row needs in addition to what is measured: its numbers, its entries in
// indexes, and free space in pages.
const rowBytes = "120"

// kinds lists the kinds. Their parts add up to 1. Series are deleted after their cells. Of samples
// and ids all networks have the same share, so that one of them cannot push out those of others.
// Cells go by whole bins, because a bin without its largest networks would mislead; a network that
// has more than a quarter of all is another matter. Probes are of vantages that are believed.
var kinds = []kind{
	{detector.KindCells, .4, .25, `SELECT asn, sum(n), sum(bytes) FROM (
			SELECT s.asn, count(*) AS n, sum(length(c.clients) + length(c.spread) + length(c.places) + ` + rowBytes + `) AS bytes FROM cells c JOIN series s ON s.id = c.series GROUP BY s.asn
			UNION ALL SELECT asn, 0, 2 * ` + rowBytes + ` * count(*) FROM series GROUP BY asn) GROUP BY asn`,
		"DELETE FROM cells WHERE bin <= coalesce((SELECT bin FROM cells ORDER BY bin LIMIT 1 OFFSET ?1), (SELECT max(bin) FROM cells))",
		"DELETE FROM cells WHERE (bin, series) IN (SELECT c.bin, c.series FROM cells c JOIN series s ON s.id = c.series WHERE s.asn = ?2 ORDER BY c.bin LIMIT ?1)",
		"SELECT min(bin) FROM cells"},
	{detector.KindRollups, .08, .25, `SELECT asn, sum(n), sum(bytes) FROM (
			SELECT k.asn, count(*) AS n, sum(length(r.clients) + ` + rowBytes + `) AS bytes FROM rollups r JOIN rollup_keys k ON k.id = r.key GROUP BY k.asn
			UNION ALL SELECT asn, 0, 2 * ` + rowBytes + ` * count(*) FROM rollup_keys GROUP BY asn) GROUP BY asn`,
		// minutes before hours
		"DELETE FROM rollups WHERE (step, at, key) IN (SELECT step, at, key FROM rollups ORDER BY step, at LIMIT ?1)",
		"DELETE FROM rollups WHERE (step, at, key) IN (SELECT r.step, r.at, r.key FROM rollups r JOIN rollup_keys k ON k.id = r.key WHERE k.asn = ?2 ORDER BY r.step, r.at LIMIT ?1)",
		oldestStep("rollups")},
	{detector.KindLatencies, .02, 0, "SELECT 0, count(*), coalesce(sum(length(latency) + " + rowBytes + "), 0) FROM latencies",
		"DELETE FROM latencies WHERE (step, at, target) IN (SELECT step, at, target FROM latencies ORDER BY step, at LIMIT ?1)", "", oldestStep("latencies")},
	{detector.KindSamples, .25, 0, `SELECT asn, count(*), sum(length(url) + length(target) + length(message) + length(stack) + 3 * ` + rowBytes + `) FROM samples GROUP BY asn`,
		"", "SELECT id FROM samples WHERE asn = ?2 ORDER BY at LIMIT ?1", "SELECT min(at) FROM samples"},
	{detector.KindProbes, .125, 0, "SELECT 0, count(*), coalesce(sum(length(steps) + 2 * " + rowBytes + "), 0) FROM probes",
		"DELETE FROM probes WHERE id IN (SELECT id FROM probes ORDER BY at LIMIT ?1)", "", "SELECT min(at) FROM probes"},
	{detector.KindBatches, .125, 0, "SELECT asn, count(*), sum(length(feed) + length(app) + " + rowBytes + ") FROM batches GROUP BY asn",
		"", "DELETE FROM batches WHERE (id, sealing) IN (SELECT id, sealing FROM batches WHERE asn = ?2 ORDER BY received LIMIT ?1)", "SELECT min(received) FROM batches"},
}

// oldestStep selects the oldest minute or hour of a table. It reads two rows, where min(at) alone
// would read all, because the keys begin with the step.
func oldestStep(table string) string {
	of := "SELECT min(at) AS at FROM " + table + " WHERE step = "
	return "SELECT min(at) FROM (" + of + "60000 UNION ALL " + of + "3600000)"
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
	s.settle(ctx)
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
	total := 1.0
	for _, h := range heaps {
		total += h.bytes
	}
	left := float64(need) * total / float64(used) // as measured
	for left > 0 {
		slices.SortStableFunc(heaps, func(a, b *heap) int { return cmp.Compare(b.load(), a.load()) })
		h := heaps[0]
		if h.rows == 0 {
			break
		}
		n, bytes, err := s.dropOldest(ctx, h)
		if err != nil {
			return err
		}
		dropped[h.name] += n
		left -= bytes
	}
	return s.dropSeries(ctx)
}

// dropSeries deletes the series that have no cells any more.
func (s *Events) dropSeries(ctx context.Context) error {
	return s.write(ctx, "making room", func(tx *sql.Tx) error {
		if err := s.flush(tx); err != nil { // they have series
			return err
		}
		_, err := tx.Exec("DELETE FROM series WHERE id NOT IN (SELECT series FROM cells); DELETE FROM rollup_keys WHERE id NOT IN (SELECT key FROM rollups)")
		s.forget()
		return err
	})
}
