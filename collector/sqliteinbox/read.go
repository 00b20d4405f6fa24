package sqliteinbox

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/report"
)

// readBytes is the approximate limit of the bytes of segments that one Read returns.
const readBytes = 4 << 20

// Read implements collector.Inbox.
func (i *Inbox) Read(ctx context.Context, after uint64, limit int) ([]report.Envelope, error) {
	_, head, err := i.ends(ctx)
	if err != nil {
		return nil, i.named("reading inbox", err)
	}
	if after > head {
		return nil, fmt.Errorf("reading inbox: %w: %d, the newest is %d", collector.ErrCursor, after, head)
	}
	rows, err := i.readers.QueryContext(ctx, `SELECT seq, received, batch, asn, country, collector, delivery, segment, bucket, body
		FROM pending WHERE seq > ? ORDER BY seq LIMIT ?`, int64(after), max(limit, 1))
	if err != nil {
		return nil, i.named("reading inbox", err)
	}
	defer rows.Close()
	var envelopes []report.Envelope
	for size := 0; size < readBytes && len(envelopes) < max(limit, 1) && rows.Next(); {
		batches, err := scan(rows)
		if err != nil {
			return nil, i.named("reading inbox", err)
		}
		for n := range batches {
			if batches[n].Seq > after && len(envelopes) < max(limit, 1) {
				size += len(batches[n].Segment)
				envelopes = append(envelopes, batches[n])
			}
		}
	}
	return envelopes, i.named("reading inbox", rows.Err())
}

// scan returns the batches in a row.
func scan(rows *sql.Rows) ([]report.Envelope, error) {
	var e report.Envelope
	var batch, delivery, segment, keys sql.RawBytes
	if err := rows.Scan(&e.Seq, &e.Received, &batch, &e.ASN, &e.Country, &e.Collector, &delivery, &segment, &e.Bucket, &keys); err != nil {
		return nil, err
	}
	if len(batch) == 0 {
		r := held{seq: int64(e.Seq), received: e.Received, keys: keys, frames: segment}
		return r.batches(len(keys) / len(key{}))
	}
	if len(batch) != len(e.Batch) {
		return nil, fmt.Errorf("batch %d: its id has %d bytes", e.Seq, len(batch))
	}
	copy(e.Batch[:], batch)
	var err error
	if e.Delivery, err = report.DecodeDelivery(delivery); err != nil {
		return nil, fmt.Errorf("batch %d: %w", e.Seq, err)
	}
	e.Segment = bytes.Clone(segment)
	return []report.Envelope{e}, nil
}

// ends returns the last seq that all readers have acknowledged, and the newest seq.
func (i *Inbox) ends(ctx context.Context) (acked, head uint64, err error) {
	var a, h int64
	err = i.readers.QueryRowContext(ctx, "SELECT acked, ("+selectHead+") FROM state").Scan(&a, &h)
	if err == nil && (a < 0 || h < a || h == math.MaxInt64) {
		err = fmt.Errorf("acknowledged %d, newest %d: the file is damaged", a, h)
	}
	return uint64(a), uint64(h), err
}

// selectPages selects the number of pages and how many of them are free, and so will be reused.
const selectPages = "SELECT page_count, freelist_count FROM pragma_page_count, pragma_freelist_count"

// Stats implements collector.Inbox.
func (i *Inbox) Stats(ctx context.Context) (collector.InboxStats, error) {
	acked, head, err := i.ends(ctx)
	if err != nil {
		return collector.InboxStats{}, i.named("measuring inbox", err)
	}
	s := collector.InboxStats{Head: head, Acked: acked, Pending: head - acked, MaxBytes: i.o.MaxBytes, Readers: i.readerStats()}
	var m measured
	if err := i.readers.QueryRowContext(ctx, selectPages).Scan(&m.pages, &m.unused); err != nil {
		return s, i.named("measuring inbox", err)
	}
	s.Bytes = m.used()
	room := min(s.MaxBytes-s.Bytes, i.disk.room(m)) - i.unwritten.Load()
	s.Limit, s.Full = s.Bytes+max(room, 0), room < i.least()
	var dropped int64
	if err := i.readers.QueryRowContext(ctx, "SELECT dropped FROM state").Scan(&dropped); err != nil {
		return s, i.named("measuring inbox", err)
	}
	s.Dropped = uint64(dropped)
	var oldest sql.NullInt64
	if err := i.readers.QueryRowContext(ctx, "SELECT received FROM pending ORDER BY seq LIMIT 1").Scan(&oldest); err != nil && err != sql.ErrNoRows {
		return s, i.named("measuring inbox", err)
	}
	if oldest.Valid {
		s.Oldest = time.UnixMilli(oldest.Int64)
	}
	return s, nil
}
