package sqlitestore

import (
	"database/sql"
	"math"
	"strings"

	"github.com/heliograph-net/heliograph/detector"
)

// Statements that write cells. addCells adds to what is stored. setCells replaces it.
const (
	insertCells = "INSERT INTO cells (bin, series, raw, estimated, clients, spread, places) VALUES "
	addCells    = ` ON CONFLICT DO UPDATE SET
		raw = CASE WHEN raw > 9223372036854775807 - excluded.raw THEN 9223372036854775807 ELSE raw + excluded.raw END,
		estimated = estimated + excluded.estimated,
		clients = coalesce(merge_clients(clients, excluded.clients), x''),
		spread = coalesce(merge_spread(spread, excluded.spread), x''),
		places = coalesce(merge_places(places, excluded.places), x'')`
	setCells = ` ON CONFLICT DO UPDATE SET raw = excluded.raw, estimated = excluded.estimated,
		clients = excluded.clients, spread = excluded.spread, places = excluded.places`
)

// cellColumns is how many columns a row of cells has.
const cellColumns = 7

// cellWriter writes cells, many at a time.
type cellWriter struct {
	tx       *sql.Tx
	conflict string    // what becomes of a cell that is stored already
	many     *sql.Stmt // for rowsAtOnce rows; nil: not needed yet
	args     []any
	encoded  []byte
}

// write writes a cell and returns the size of its sketches.
func (w *cellWriter) write(bin, series int64, c *detector.Cell) (size int, err error) {
	start := len(w.encoded)
	w.encoded = c.Clients.Append(w.encoded)
	spread := len(w.encoded)
	w.encoded = c.Spread.Append(w.encoded)
	places := len(w.encoded)
	w.encoded = c.Places.Append(w.encoded)
	b := w.encoded
	w.args = append(w.args, bin, series, int64(min(c.Raw, math.MaxInt64)), min(c.Estimated, math.MaxFloat64), blob(b[start:spread]), blob(b[spread:places]), blob(b[places:]))
	if len(w.args) < rowsAtOnce*cellColumns {
		return len(b) - start, nil
	}
	if w.many == nil {
		if w.many, err = w.tx.Prepare(w.query(rowsAtOnce)); err != nil {
			return 0, err
		}
	}
	_, err = w.many.Exec(w.args...)
	w.args, w.encoded = w.args[:0], w.encoded[:0]
	return len(b) - start, err
}

func (w *cellWriter) query(rows int) string {
	return insertCells + strings.Repeat(", "+marks(cellColumns), rows)[2:] + w.conflict
}

// flush writes the rest.
func (w *cellWriter) flush() error {
	if len(w.args) == 0 {
		return nil
	}
	_, err := w.tx.Exec(w.query(len(w.args)/cellColumns), w.args...)
	return err
}

func (w *cellWriter) close() {
	if w.many != nil {
		_ = w.many.Close()
	}
}
