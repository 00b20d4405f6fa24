package sqlitestore

import (
	"database/sql"
	"strings"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/report"
)

// rowsAtOnce is how many rows one statement reads or writes. Single statements would cost more than
// the rows.
const rowsAtOnce = 64

// batchKey tells batches with the same id apart.
type batchKey struct {
	id      report.BatchID
	sealing [16]byte
}

// batchIDs are those of some batches: what is stored of them, and what is to be stored.
type batchIDs struct {
	a      *appending
	frames map[batchKey]int // how many are known
	rows   map[batchKey]int // where the row of a new one begins in args
	args   []any
	// ids stored by releases that did not know sealings: whatever has such an id is known
	old map[report.BatchID]bool
}

// batches stores the ids of at most rowsAtOnce batches and takes what is new of them.
func (a *appending) batches(some []*detector.Batch) (isNew []bool, err error) {
	n := batchIDs{a: a, frames: map[batchKey]int{}, rows: map[batchKey]int{}, old: map[report.BatchID]bool{}}
	if err := n.read(some); err != nil {
		return nil, err
	}
	isNew = make([]bool, len(some))
	for i, b := range some {
		frames, known := n.frames[batchKey{b.ID, b.Sealing}]
		if n.old[b.ID] || known && b.Frames() <= frames {
			continue
		}
		isNew[i] = true
		if err := n.set(b, known); err != nil {
			return nil, err
		}
		if known {
			b = b.After(frames)
		}
		if err := a.take(b); err != nil {
			return nil, err
		}
	}
	return isNew, n.insert()
}

// read looks up what is stored of batches.
func (n *batchIDs) read(some []*detector.Batch) error {
	args := make([]any, len(some))
	for i, b := range some {
		args[i] = b.ID[:]
	}
	rows, err := n.a.tx.Query("SELECT id, sealing, frames FROM batches WHERE id IN "+marks(len(args)), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, sealing sql.RawBytes
		var key batchKey
		var frames int
		if err := rows.Scan(&id, &sealing, &frames); err != nil {
			return err
		}
		copy(key.id[:], id)
		copy(key.sealing[:], sealing)
		if len(sealing) == 0 {
			n.old[key.id] = true
		} else {
			n.frames[key] = frames
		}
	}
	return rows.Err()
}

// batchColumns is how many columns of a row of batches are written.
const batchColumns = 8

// set stores, now or by insert, that a batch is known with all its frames.
func (n *batchIDs) set(b *detector.Batch, known bool) error {
	key := batchKey{b.ID, b.Sealing}
	n.frames[key] = b.Frames()
	row := []any{b.ID[:], b.Sealing[:], b.Frames(), n.a.page.Feed, b.Received.UnixMilli(), b.App, b.Records, b.ASN}
	at, begun := n.rows[key]
	switch {
	case begun: // it came twice, and longer the second time
		n.args[at+2], n.args[at+6] = b.Frames(), b.Records
	case known:
		_, err := n.a.tx.Exec("UPDATE batches SET frames = ?, records = ? WHERE id = ? AND sealing = ?", b.Frames(), b.Records, b.ID[:], b.Sealing[:])
		return err
	default:
		n.rows[key] = len(n.args)
		n.args = append(n.args, row...)
	}
	return nil
}

// insert stores the rows of new batches.
func (n *batchIDs) insert() error {
	if len(n.args) == 0 {
		return nil
	}
	rows := strings.Repeat(", "+marks(batchColumns), len(n.args)/batchColumns)[2:]
	_, err := n.a.tx.Exec("INSERT INTO batches (id, sealing, frames, feed, received, app, records, asn) VALUES "+rows, n.args...)
	return err
}
