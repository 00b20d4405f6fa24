package detector

import (
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// FuzzRecord: a record that anybody can seal is taken or refused, and what it claims of receipts
// has a bound.
func FuzzRecord(f *testing.F) {
	for _, r := range []report.Record{
		ShopHeader(2),
		&report.Receipts{Batches: []report.ReceiptedBatch{{Collector: "c1", Name: [16]byte{1, 8: 2}, Frames: 3}, {Collector: "c2", Name: [16]byte{2, 8: 2}, Frames: 1}}},
		&report.Window{Length: 2000, SampledPPM: 1, Counters: []report.Counter{{Target: "https://shop.test", Outcome: report.OK, Count: report.MaxCount}}},
		&report.DeletionNotice{Clients: [][16]byte{{1}}},
	} {
		b, err := report.AppendRecord(nil, r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(FutureRecord)
	now := time.UnixMilli(1_800_000_000_000)
	o := &opener{bin: time.Minute, maxAge: 30 * day}
	id := BatchNumber(1)
	segment := Seal(f, id, ShopHeader(1))
	f.Fuzz(func(t *testing.T, record []byte) {
		c := newConversion(o, &report.Envelope{Batch: id, Received: now.UnixMilli(), Collector: "c1", Country: "ZZ", ASN: 64501, Bucket: 7, Segment: segment}, now)
		c.begin(ShopHeader(1))
		for range 3 { // nobody has more to say by saying it again
			if err := c.record(record); err != nil {
				return
			}
		}
		if len(c.out.Claims) > report.MaxReceipts {
			t.Errorf("%d claims of one batch", len(c.out.Claims))
		}
		for _, claim := range c.out.Claims {
			if claim.Collector == "" || claim.Frames < 1 || claim.ASN != 64501 || claim.Bucket != 7 {
				t.Errorf("claim %+v", claim)
			}
		}
	})
}
