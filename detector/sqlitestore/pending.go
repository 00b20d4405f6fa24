package sqlitestore

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/heliograph-net/heliograph/detector"
)

// version15 stores the cells of a page together, until they are added to the others.
const version15 = `
CREATE TABLE pending (
	number INTEGER PRIMARY KEY,
	cells  BLOB NOT NULL -- see appendPending
) STRICT;`

// errPending says that cells that are not in table cells yet cannot be decoded.
var errPending = errors.New("cells that wait to be added to the others")

// cells adds cells to the stored ones.
func (a *appending) cells(cells []detector.Cell) error {
	l := &a.live
	if err := a.begin(a.tx); err != nil || len(cells) == 0 {
		return err
	}
	l.page++
	var row []byte
	for i := range cells {
		c := &cells[i]
		series, err := a.names.id(a.tx, c.Series, c.End.UnixMilli())
		if err != nil {
			return err
		}
		before := len(row)
		row = appendPending(row, series, c)
		if err := l.add(a.tx, series, c, len(row)-before); err != nil {
			return err
		}
	}
	if _, err := a.tx.Exec("INSERT INTO pending (cells) VALUES (?)", row); err != nil {
		return err
	}
	if l.pages++; !l.full() {
		return nil
	}
	return l.flush(a.tx)
}

// appendPending appends a cell: its series, the end of its bin and its reported requests as
// varints, the represented ones as an IEEE 754 double, and the three sketches, each with
// its length.
func appendPending(b []byte, series int64, c *detector.Cell) []byte {
	b = binary.AppendVarint(b, series)
	b = binary.AppendVarint(b, c.End.UnixMilli())
	b = binary.AppendUvarint(b, c.Raw)
	b = binary.BigEndian.AppendUint64(b, math.Float64bits(c.Estimated))
	for _, encode := range [...]func([]byte) []byte{c.Clients.Append, c.Spread.Append, c.Places.Append} {
		b = appendSized(b, encode)
	}
	return b
}

// appendSized appends what encode appends, after its length in 4 bytes.
func appendSized(b []byte, encode func([]byte) []byte) []byte {
	start := len(b) + 4
	b = encode(append(b, 0, 0, 0, 0))
	binary.BigEndian.PutUint32(b[start-4:], uint32(len(b)-start))
	return b
}

// eachPending calls f for the cells that appendPending appended. Its error wraps errPending.
func eachPending(b []byte, f func(series int64, c *detector.Cell, sketches int) error) error {
	for len(b) > 0 {
		rest := b
		series, n := binary.Varint(rest)
		rest = rest[max(n, 0):]
		end, m := binary.Varint(rest)
		rest = rest[max(m, 0):]
		raw, k := binary.Uvarint(rest)
		rest = rest[max(k, 0):]
		if n <= 0 || m <= 0 || k <= 0 || len(rest) < 8 {
			return errPending
		}
		c := &detector.Cell{End: time.UnixMilli(end), Raw: raw, Estimated: math.Float64frombits(binary.BigEndian.Uint64(rest))}
		rest = rest[8:]
		for _, decode := range [...]func([]byte) error{c.Clients.Decode, c.Spread.Decode, c.Places.Decode} {
			var err error
			if rest, err = decodeSized(rest, decode); err != nil {
				return fmt.Errorf("%w: %w", errPending, err)
			}
		}
		if err := f(series, c, len(b)-len(rest)); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

func decodeSized(b []byte, decode func([]byte) error) (rest []byte, err error) {
	if len(b) < 4 || uint64(len(b)-4) < uint64(binary.BigEndian.Uint32(b)) {
		return nil, errors.New("a sketch ends early")
	}
	end := 4 + int(binary.BigEndian.Uint32(b))
	return b[end:], decode(b[4:end])
}

// readPending adds the cells in table pending to those in memory. What cannot be decoded is left
// out, and is gone with the next flush, because otherwise nothing could be stored any more. damage
// says so.
func (l *live) readPending(tx *sql.Tx) (damage, err error) {
	pages, err := pendingPages(tx)
	if err != nil {
		return nil, err
	}
	for _, cells := range pages {
		l.page++
		err := eachPending(cells, func(series int64, c *detector.Cell, sketches int) error { return l.add(tx, series, c, sketches) })
		if errors.Is(err, errPending) {
			damage = fmt.Errorf("sums of a page were lost: %w", err)
		} else if err != nil {
			return nil, err
		}
		l.pages++
	}
	return damage, nil
}

func pendingPages(tx *sql.Tx) (all [][]byte, err error) {
	rows, err := tx.Query("SELECT cells FROM pending ORDER BY number")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var cells []byte
		if err := rows.Scan(&cells); err != nil {
			return nil, err
		}
		all = append(all, cells)
	}
	return all, rows.Err()
}

// settle writes all cells, before they are read. If it fails, because the disk is full, the latest
// ones are missing in what is read, and Ready says so until something can be written.
func (s *Events) settle(ctx context.Context) {
	if !s.unwritten.Load() {
		return
	}
	if err := s.write(ctx, "writing sums", func(tx *sql.Tx) error { return s.flush(tx) }); err != nil && ctx.Err() == nil {
		s.unsettled.Store(&err)
	}
}

// begin makes memory agree with the file. It begins every transaction that adds or writes cells.
func (f *file) begin(tx *sql.Tx) error {
	damage, err := f.live.begin(tx)
	if damage != nil {
		damage = fmt.Errorf("reading store: %w", damage)
		f.damaged.CompareAndSwap(nil, &damage)
	}
	return err
}

// flush writes all cells.
func (f *file) flush(tx *sql.Tx) error {
	if err := f.begin(tx); err != nil {
		return err
	}
	return f.live.flush(tx)
}
