package sqliteinbox

import (
	"strings"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/report"
)

const (
	manyRows = 8 // batches that one statement inserts
	// bytes of their segments, because the driver keeps a buffer as large as the largest input of
	// a statement
	manyBytes = 128 << 10
	columns   = 10 // of pending
)

// insertText returns a statement that inserts so many batches.
func insertText(rows int) string {
	const row = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	return "INSERT INTO pending (seq, received, batch, body, asn, country, collector, delivery, segment, bucket) VALUES " + row + strings.Repeat(", "+row, rows-1)
}

// inserter inserts entries with as few statements as possible. Call flush to insert the last ones.
type inserter struct {
	direct *statements
	first  int64 // seq of the first waiting entry; the others follow it
	wait   []*collector.Entry
	bytes  int // of the waiting segments
}

// add adds an entry. Its seq must be the one after the last entry's.
func (w *inserter) add(seq int64, e *collector.Entry) error {
	if w.bytes+len(e.Envelope.Segment) > manyBytes {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if len(w.wait) == 0 {
		w.first = seq
	}
	w.wait, w.bytes = append(w.wait, e), w.bytes+len(e.Envelope.Segment)
	if len(w.wait) < manyRows {
		return nil
	}
	for n, e := range w.wait {
		if err := setRow(w.direct.insertMany, n*columns, w.first+int64(n), e); err != nil {
			return err
		}
	}
	w.wait, w.bytes = w.wait[:0], 0
	return w.direct.insertMany.run(nil)
}

// flush inserts the waiting entries.
func (w *inserter) flush() error {
	for n, e := range w.wait {
		if err := setRow(w.direct.insert, 0, w.first+int64(n), e); err != nil {
			return err
		}
		if err := w.direct.insert.run(nil); err != nil {
			return err
		}
	}
	w.wait, w.bytes = w.wait[:0], 0
	return nil
}

// setRow sets the parameters from number at on to the values of one row.
func setRow(s *statement, at int, seq int64, e *collector.Entry) error {
	env := &e.Envelope
	delivery, err := report.AppendDelivery(nil, env.Delivery)
	if err != nil {
		return err
	}
	s.set(at, seq, env.Received, env.Batch[:], e.Body[:], int64(env.ASN), env.Country, env.Collector, delivery, env.Segment, int64(env.Bucket))
	return nil
}
