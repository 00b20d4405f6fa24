package detector_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// timed lets 12 clients in each of three networks upload a window of ten seconds with durations: 2
// requests of 100 ms, or of 1 s in the network that is hit.
func (b *bench) timed(windows int, hit uint32) {
	for range windows {
		time.Sleep(10 * time.Second)
		for n := range uint32(3) {
			for c := range uint64(12) {
				k := report.Counter{Target: shop, Outcome: report.OK, Protocol: "h2", Server: "192.0.2.1:443", Status: 200, Count: 2}
				took := 100 * time.Millisecond
				if 64501+n == hit {
					took = time.Second
				}
				d := &report.Durations{Histograms: []report.Histogram{{{Index: report.HistogramIndex(took), Count: 2}}}}
				b.number++
				id := detector.BatchNumber(b.number)
				b.inbox.put(report.Envelope{Batch: id, Received: time.Now().UnixMilli(), Collector: "c1", ASN: 64501 + n, Country: "XA",
					Bucket: report.Bucket(1 + 100*uint64(n) + c), Delivery: report.Delivery{Age: 2000},
					Segment: detector.Seal(b, id, detector.ShopHeader(uint64(n)*1000+c+1), oneWindow(2000, k), d)})
			}
		}
	}
}

// Durations that clients send lead to an incident of slow answers in plain words, over a restart
// too, without an objective.
func TestSlownessIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, path: t.TempDir() + "/store.db", inbox: newInbox(), bin: 10 * time.Second, grace: 10 * time.Second}
		b.start()
		defer func() { b.stop() }()
		b.timed(45, 0)
		b.stop()
		b.start()
		b.timed(22, 0)
		if told := b.told(); len(told) > 0 {
			t.Fatalf("calm: %+v", told)
		}
		b.timed(12, 64502)
		told := b.told()
		if len(told) == 0 {
			t.Fatal("nothing is told")
		}
		i := &told[0].Incident
		if i.Verdict != model.SlowAnswers || !i.Page || i.Outcome != model.Slow || len(i.Scope.ASNs) != 1 || i.Scope.ASNs[0] != 64502 {
			t.Errorf("told %+v", i)
		}
		// twice the bucket of 100 ms
		begins, ends := "shop.test answers slowly for AS64502: ", " of the requests take longer than 215 ms, usually 0 %"
		if !strings.HasPrefix(i.Title, begins) || !strings.HasSuffix(i.Title, ends) {
			t.Errorf("title %q, want %q…%q", i.Title, begins, ends)
		}
	})
}
