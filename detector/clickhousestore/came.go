//go:build cgo

package clickhousestore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/heliograph-net/heliograph/detector"
)

// namesAtOnce is how many names one statement asks for.
const namesAtOnce = 100

// unhex returns an SQL expression for bytes.
func unhex(b []byte) string { return fmt.Sprintf("unhex('%x')", b) }

// Came implements detector.Events. A batch's name is the beginning of the id by which it is stored,
// and of its sealing.
func (s *Events) Came(ctx context.Context, names []detector.BatchName) ([]bool, error) {
	known := map[[16]byte]int{} // frames by name
	add := func(id, sealing []byte, frames int) {
		var name [16]byte
		copy(name[:8], id)
		copy(name[8:], sealing[:min(8, len(sealing))])
		known[name] = max(known[name], frames)
	}
	for i := range names {
		low, high := ids(&names[i])
		if err := s.readJournal(ctx, "looking for batches", "SELECT id, sealing, frames FROM waiting_ids WHERE id BETWEEN ? AND ?"+waitingOnly, []any{low, high}, func(rows *sql.Rows) error {
			var id, sealing sql.RawBytes
			var frames int
			if err := rows.Scan(&id, &sealing, &frames); err != nil {
				return err
			}
			add(id, sealing, frames)
			return nil
		}); err != nil {
			return nil, err
		}
	}
	cutoff, err := s.cutoff(ctx, detector.KindBatches)
	if err != nil {
		return nil, err
	}
	for some := range slices.Chunk(names, namesAtOnce) {
		spans := make([]string, len(some))
		for i := range some {
			low, high := ids(&some[i])
			spans[i] = "id >= " + unhex(low) + " AND id <= " + unhex(high)
		}
		if err := s.each(ctx, "looking for batches", "SELECT id, sealing, toInt64(frames) FROM batches WHERE ("+strings.Join(spans, " OR ")+") AND received >= ?", []any{cutoff},
			func(rows driver.Rows) error {
				var id, sealing []byte
				var frames int64
				err := rows.Scan(&id, &sealing, &frames)
				add(id, sealing, int(frames))
				return err
			}); err != nil {
			return nil, err
		}
	}
	came := make([]bool, len(names))
	for i := range names {
		frames, ok := known[names[i].Name]
		came[i] = ok && frames >= names[i].Frames
	}
	return came, nil
}

// ids returns the lowest and the highest id that a batch with this name can have.
func ids(n *detector.BatchName) (low, high []byte) {
	low = append(slices.Clone(n.Name[:8]), make([]byte, 8)...)
	return low, append(slices.Clone(n.Name[:8]), slices.Repeat([]byte{0xff}, 8)...)
}
