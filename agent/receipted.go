package agent

import (
	"bytes"
	"math"
	"slices"
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
	day     int64
	batches []report.ReceiptedBatch // the latest report.MaxReceipts, the oldest first
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
	if len(r.batches) == report.MaxReceipts {
		r.batches = r.batches[1:]
	}
	r.batches = append(r.batches, report.ReceiptedBatch{Collector: collector, Name: seal.Name(body), Frames: uint16(info.Frames)})
}

// record returns the list for a segment of a day under a client's token, or nil if it is empty.
func (r *receipted) record(c client) *report.Receipts {
	if len(r.batches) == 0 || r.day != c.day || c.token == [16]byte{} {
		return nil
	}
	list := slices.Clone(r.batches)
	slices.SortFunc(list, func(a, b report.ReceiptedBatch) int { return bytes.Compare(a.Name[:], b.Name[:]) })
	list = slices.CompactFunc(list, func(a, b report.ReceiptedBatch) bool { return a.Name == b.Name })
	return &report.Receipts{Batches: list}
}

// told removes the batches after a durable segment has listed them.
func (r *receipted) told() { r.batches = nil }
