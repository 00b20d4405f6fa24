package detector

import (
	"strings"
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
		&report.Sample{URL: "https://shop.test/reset/sesame?x=y", Method: "GET", Outcome: report.TCPReset, Phase: report.PhaseConnection},
		&report.ApplicationError{Kind: report.KindPanic, Fingerprint: [16]byte{1}, Type: "T\x1b", Message: "password=hunter2", URL: "javascript:x", Count: 1,
			Frames: []report.Frame{{Function: "main.f", File: "f.go", Line: 1}}},
		&report.ProbeResults{Vantage: "v", Targets: []report.ProbeTarget{{Name: "web", Address: "192.0.2.1:443", Kind: "tcp"}},
			Results: []report.ProbeResult{{Judgement: report.JudgedUp, Outcome: report.OK, Family: 4}}},
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
		for i := range c.out.Counts { // and no text of it commands a terminal
			if k := &c.out.Counts[i]; k.Target != invalidTarget && !isOrigin(k.Target) || plain(k.App+k.Protocol+k.Server) != k.App+k.Protocol+k.Server {
				t.Errorf("counted %+v", k.Series)
			}
		}
		for i := range c.out.Samples {
			if s := &c.out.Samples[i]; strings.ContainsAny(s.URL, "?#\x1b\x00") || plain(s.Method+s.Error.Type) != s.Method+s.Error.Type {
				t.Errorf("sample %+v", s)
			}
		}
	})
}
