package sqliteinbox

import (
	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/internal/protocol/feed"
	"github.com/heliograph-net/heliograph/report"
)

const insertText = `INSERT INTO pending (seq, received, batch, body, asn, country, collector, delivery, segment, bucket)
	VALUES (?, ?, x'', ?, 0, '', '', x'', ?, 0)`

// inserter inserts batches with as few rows as possible. Call start for each commit, and flush to
// insert its last ones. Inbox.mu guards it.
type inserter struct {
	direct *statements
	row    held               // waits for more batches
	one    [1]report.Envelope // the batch that is encoded
	frame  []byte             // its encoding
	room   int                // bytes of batches that the row may have
	// bytes in use on the last page, as far as that is known: a row that fills the page up saves
	// a page
	used int
}

// rowExtra is how many bytes of a page a row needs beside its batches.
const rowExtra = 48

// start drops what a failed commit has left.
func (w *inserter) start() { w.row.reset() }

// add adds an entry. Its seq must be the one after the last entry's.
func (w *inserter) add(seq int64, k *key, e *collector.Entry) (err error) {
	w.one[0] = e.Envelope
	w.one[0].Seq = uint64(seq)
	w.frame, err = feed.Append(w.frame[:0], w.one[:])
	w.one[0] = report.Envelope{} // do not retain the caller's bytes
	if err != nil {
		return err
	}
	if !w.row.fits(len(w.frame), e.Envelope.Received, w.room) {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if len(w.row.keys) == 0 {
		w.begin(len(w.frame) + len(k))
	}
	w.row.add(seq, e.Envelope.Received, k, w.frame)
	if cap(w.frame) > maxKept {
		w.frame = nil
	}
	return nil
}

// begin makes room for a row that begins with a batch of some size.
func (w *inserter) begin(size int) {
	if rowLimit-w.used < size {
		w.used = 0
	}
	w.room = rowLimit - w.used
}

// flush inserts the waiting batches.
func (w *inserter) flush() error {
	r := &w.row
	if len(r.keys) == 0 {
		return nil
	}
	w.used += len(r.keys) + len(r.frames) + rowExtra
	w.direct.insert.set(0, r.seq, r.received, r.keys, r.frames)
	err := w.direct.insert.run(nil)
	r.reset()
	return err
}
