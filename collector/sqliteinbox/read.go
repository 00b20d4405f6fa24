package sqliteinbox

import (
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
	rows, err := i.readers.QueryContext(ctx, `SELECT seq, received, batch, asn, country, collector, delivery, segment, bucket
		FROM pending WHERE seq > ? ORDER BY seq LIMIT ?`, int64(after), max(limit, 1))
	if err != nil {
		return nil, i.named("reading inbox", err)
	}
	defer rows.Close()
	var envelopes []report.Envelope
	for size := 0; size < readBytes && rows.Next(); {
		e, err := scan(rows)
		if err != nil {
			return nil, i.named("reading inbox", err)
		}
		size += len(e.Segment)
		envelopes = append(envelopes, e)
	}
	return envelopes, i.named("reading inbox", rows.Err())
}

func scan(rows *sql.Rows) (e report.Envelope, err error) {
	var batch, delivery sql.RawBytes
	if err := rows.Scan(&e.Seq, &e.Received, &batch, &e.ASN, &e.Country, &e.Collector, &delivery, &e.Segment, &e.Bucket); err != nil {
		return e, err
	}
	if len(batch) != len(e.Batch) {
		return e, fmt.Errorf("batch %d: its id has %d bytes", e.Seq, len(batch))
	}
	copy(e.Batch[:], batch)
	if e.Delivery, err = report.DecodeDelivery(delivery); err != nil {
		return e, fmt.Errorf("batch %d: %w", e.Seq, err)
	}
	return e, nil
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
