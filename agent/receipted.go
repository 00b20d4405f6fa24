package agent

import (
	"bytes"
	"math"
	"time"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// receipted remembers the batches of a UTC day that collectors have signed for, until a later
// segment of that day lists them. From that list, the detector knows which batches each collector
// must have.
//
// It is only in memory and only for one day. The segments of a day share a token anyway, so listing
// one in another tells the detector nothing new about their sender. The spooler's lock guards it.
type receipted struct {
	day int64
	// the latest report.MaxReceipts, sorted by name, which begins with the minute
	batches []report.ReceiptedBatch
}

// add remembers a segment that a collector has signed for.
func (r *receipted) add(seg Segment, collector string, body []byte, now time.Time) {
	day := utcDay(now)
	info, err := seal.ParseSegment(body)
	if err != nil || info.Frames > math.MaxUint16 || utcDay(seg.Birth) != day {
		return
	}
	if r.day != day {
		r.day, r.batches = day, nil
	}
	r.insert(report.ReceiptedBatch{Collector: collector, Name: seal.Name(body), Frames: uint16(info.Frames)})
}

// insert keeps the batches in order, at most report.MaxReceipts. A loop costs a web page less than
// another instance of slices.SortFunc.
func (r *receipted) insert(b report.ReceiptedBatch) {
	at := len(r.batches)
	for at > 0 && bytes.Compare(r.batches[at-1].Name[:], b.Name[:]) >= 0 {
		at--
	}
	if at < len(r.batches) && r.batches[at].Name == b.Name {
		return // the receipt came twice
	}
	r.batches = append(r.batches, b)
	copy(r.batches[at+1:], r.batches[at:])
	r.batches[at] = b
	if len(r.batches) > report.MaxReceipts {
		r.batches = r.batches[1:]
	}
}

// record returns the list for a segment of a day under a client's token, or nil if it is empty.
func (r *receipted) record(c client) *report.Receipts {
	if len(r.batches) == 0 || r.day != c.day || c.token == [16]byte{} {
		return nil
	}
	return &report.Receipts{Batches: r.batches}
}

// told removes the batches after a durable segment has listed them.
func (r *receipted) told() { r.batches = nil }
