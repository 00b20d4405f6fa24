package sqlitestore

import (
	"context"
	"database/sql"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
)

// heap is the amount of data of a kind. It is known exactly at first, and roughly after deletions.
type heap struct {
	kind
	rows, bytes float64
	networks    []*part // at least one if there are rows
}

// part is what one network has of a heap.
type part struct {
	asn         uint32
	rows, bytes float64
}

// load returns the amount relative to the kind's part.
func (h *heap) load() float64 {
	if h.rows < 1 {
		return 0
	}
	return h.bytes / h.part
}

// largest returns the network that has the most, if it is to lose its oldest first; nil otherwise.
func (h *heap) largest() (most *part) {
	for _, n := range h.networks {
		if most == nil || n.bytes > most.bytes {
			most = n
		}
	}
	if h.dropOf == "" || most != nil && h.fair > 0 && most.bytes <= h.fair*h.bytes {
		return nil
	}
	return most
}

func (s *Events) measure(ctx context.Context) (all []*heap, err error) {
	for _, k := range kinds {
		h := &heap{kind: k}
		h.networks, err = sqlitedb.List(ctx, s.readers, "measuring "+k.name, k.amounts, nil, func(rows *sql.Rows) (*part, error) {
			n := &part{}
			err := rows.Scan(&n.asn, &n.rows, &n.bytes)
			h.rows, h.bytes = h.rows+n.rows, h.bytes+n.bytes
			return n, err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, nil
}

// dropOldest deletes a portion of a kind: of the network that has too much, or else of all.
func (s *Events) dropOldest(ctx context.Context, h *heap) (n int64, bytes float64, err error) {
	most := h.largest()
	query, args := h.drop, []any{portion(h.rows)}
	if most != nil {
		query, args = h.dropOf, []any{portion(most.rows), most.asn}
	}
	err = s.write(ctx, "making room", func(tx *sql.Tx) error {
		n, err = drop(tx, h.name, query, args)
		s.forget()
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	return n, h.lose(most, float64(n)), nil
}

// drop runs a statement of a kind, and returns how many rows it deleted.
func drop(tx *sql.Tx, kind, query string, args []any) (int64, error) {
	if kind == detector.KindSamples {
		return deleteSamples(tx, query, args...)
	}
	r, err := tx.Exec(query, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// portion returns how many rows of so many one transaction deletes.
func portion(rows float64) int64 { return min(pruneRows, max(int64(rows/20), 1)) }

// lose takes rows off, of one network or, if that is nil, of all alike. It returns their bytes.
func (h *heap) lose(most *part, rows float64) (bytes float64) {
	losers, of := h.networks, h.rows
	if most != nil {
		losers, of = []*part{most}, most.rows
	}
	left := 1 - min(rows/of, 1)
	if rows == 0 { // they are not there any more
		left = 0
	}
	for _, n := range losers {
		h.rows, bytes = h.rows-(1-left)*n.rows, bytes+(1-left)*n.bytes
		n.rows, n.bytes = left*n.rows, left*n.bytes
	}
	h.bytes -= bytes
	return bytes
}
