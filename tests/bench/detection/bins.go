package detection

import (
	"strconv"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/simulate"
)

// key is a series of the simple rules: one dimension's value, or everyone.
type key struct{ dimension, value string }

var everyone = key{}

// cell is what one series has in one bin.
type cell struct{ failed, requests float64 }

// bin is a step of event time.
type bin map[key]cell

// binner sorts rows into bins of the time at which they happened, and closes each bin a while after
// its end, as the simple rules want it.
type binner struct {
	width, grace int64 // ms
	open         map[int64]bin
	next         int64 // start of the next bin to close; 0: none yet
	close        func(start int64, b bin)
}

func newBinner(width, grace int64, close func(start int64, b bin)) *binner {
	return &binner{width: width, grace: grace, open: map[int64]bin{}, close: close}
}

// row counts a row, but for those about deliveries and those that come too late.
func (b *binner) row(r *simulate.Row) {
	if r.App == model.DeliveryApp {
		return
	}
	start := r.At - r.At%b.width
	if start < b.next {
		return
	}
	bin := b.open[start]
	if bin == nil {
		bin = map[key]cell{}
		b.open[start] = bin
	}
	failed := 0.0
	if r.Outcome != report.OK {
		failed = float64(r.Raw)
	}
	for _, k := range [...]key{everyone, {"asn", strconv.FormatUint(uint64(r.ASN), 10)}, {"server", r.Server}, {"country", r.Country},
		{"version", r.Version}, {"protocol", r.Protocol}} {
		if k == everyone || k.value != "" {
			c := bin[k]
			bin[k] = cell{c.failed + failed, c.requests + r.Estimated}
		}
	}
}

// tick closes what is due.
func (b *binner) tick(now int64) {
	if b.next == 0 {
		b.next = now - now%b.width
	}
	for ; b.next+b.width+b.grace <= now; b.next += b.width {
		b.close(b.next, b.open[b.next])
		delete(b.open, b.next)
	}
}
