package agent

import (
	"bytes"
	"math"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// receipted remembers which batches of a UTC day collectors have signed for, until a later segment
// of that day names them. The detector then knows what each collector owes it.
//
// It is in memory only, for one day only: the segments of a day have a token in common anyway, so
// that naming one in another tells the detector nothing new about who sent them. The spooler's lock
// owns it.
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

// record is what a segment of a day under a client's token has to name, nil for nothing.
func (r *receipted) record(c client) *report.Receipts {
	if len(r.batches) == 0 || r.day != c.day || c.token == [16]byte{} {
		return nil
	}
	list := slices.Clone(r.batches)
	slices.SortFunc(list, func(a, b report.ReceiptedBatch) int { return bytes.Compare(a.Name[:], b.Name[:]) })
	list = slices.CompactFunc(list, func(a, b report.ReceiptedBatch) bool { return a.Name == b.Name })
	return &report.Receipts{Batches: list}
}

// told forgets what a durable segment has named.
func (r *receipted) told() { r.batches = nil }
