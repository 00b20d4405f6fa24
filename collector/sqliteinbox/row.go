package sqliteinbox

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/heliograph-net/heliograph/report"
)

// A row of the table pending holds batches that were committed together, as many as fit on a page:
// a row costs about as much as the batches in it. Its seq is that of its last batch, and the others
// have the numbers before it. Column body has their keys, column segment the batches themselves, as
// a feed frames them, and column received is the first one's. The other columns are empty.
//
// Rows of schemas before version 5 hold one batch in the columns. They are read until they are
// acknowledged. The rows of the table acked have the same two forms, without the batches.

// sqlBatches is how many batches are in a row of pending or acked.
const sqlBatches = "(CASE batch WHEN x'' THEN length(body) / 28 ELSE 1 END)"

const (
	// bytes of keys and frames in one row: with the rest of the row, they fill a page
	rowLimit = pageSize - 80
	// ms between the batches of a row, so that all of them are too old at about the same time
	rowSpan = 1000
)

// held is what a row of pending holds.
type held struct {
	seq      int64 // of the last batch
	received int64 // of the first batch, Unix ms
	keys     []byte
	frames   []byte
}

// fits reports whether the row has room for one more batch.
func (r *held) fits(frame int, received int64, room int) bool {
	return len(r.keys) == 0 ||
		len(r.keys)+len(key{})+len(r.frames)+frame <= room && max(received-r.received, r.received-received) <= rowSpan
}

// add adds a batch.
func (r *held) add(seq, received int64, k *key, frame []byte) {
	if len(r.keys) == 0 {
		r.received = received
	}
	r.seq, r.keys, r.frames = seq, append(r.keys, k[:]...), append(r.frames, frame...)
}

// maxKept is how large a buffer may be that is used again.
const maxKept = 64 << 10

func (r *held) reset() {
	r.keys, r.frames = r.keys[:0], r.frames[:0]
	if cap(r.frames) > maxKept {
		r.frames = nil
	}
}

// splitKeys returns the keys in a row of pending or acked, given its columns batch and body.
func splitKeys(batch, body []byte) (all []key) {
	if len(batch) > 0 {
		var k key
		copy(k[copy(k[:], batch):], body)
		return []key{k}
	}
	for ; len(body) >= len(key{}); body = body[len(key{}):] {
		all = append(all, key(body))
	}
	return all
}

// frameHead is the length of a frame's length.
const frameHead = 4

var errRow = errors.New("the row does not hold whole batches")

// frameLen returns the length of the first frame.
func frameLen(frames []byte) (int, error) {
	if len(frames) < frameHead {
		return 0, errRow
	}
	n := frameHead + int64(binary.BigEndian.Uint32(frames))
	if n > int64(len(frames)) {
		return 0, errRow
	}
	return int(n), nil
}

// split divides the row after its first n batches.
func (r *held) split(n int) (head, tail held, err error) {
	at := 0
	for range n {
		length, err := frameLen(r.frames[at:])
		if err != nil {
			return head, tail, err
		}
		at += length
	}
	keys := n * len(key{})
	if keys >= len(r.keys) {
		return head, tail, errRow
	}
	tail = held{seq: r.seq, keys: r.keys[keys:], frames: r.frames[at:]}
	first, err := tail.batches(1)
	if err == nil && len(first) == 0 {
		err = errRow
	}
	if err != nil {
		return head, tail, err
	}
	tail.received = first[0].Received
	head = held{seq: int64(first[0].Seq) - 1, received: r.received, keys: r.keys[:keys], frames: r.frames[:at]}
	return head, tail, nil
}

// batches decodes the first batches of a row, at most limit.
func (r *held) batches(limit int) ([]report.Envelope, error) {
	var all []report.Envelope
	for rest := r.frames; len(rest) > 0 && len(all) < limit; {
		n, err := frameLen(rest)
		if err != nil {
			return nil, fmt.Errorf("batches up to %d: %w", r.seq, err)
		}
		e, err := report.DecodeEnvelope(rest[frameHead:n])
		if err != nil {
			return nil, fmt.Errorf("batches up to %d: %w", r.seq, err)
		}
		all, rest = append(all, *e), rest[n:]
	}
	return all, nil
}

// whole reports whether every batch in the row is as it was stored.
func (r *held) whole() bool {
	n := len(r.keys) / len(key{})
	all, err := r.batches(n + 1)
	if err != nil || len(all) != n || len(r.keys)%len(key{}) != 0 {
		return false
	}
	for i := range all {
		k := keyOf(all[i].Batch, sha256.Sum256(all[i].Segment))
		if key(r.keys[i*len(k):]) != k || int64(all[i].Seq) != r.seq-int64(n-1-i) {
			return false
		}
	}
	return n > 0
}
