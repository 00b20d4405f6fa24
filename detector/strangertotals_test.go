package detector_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// counted is a window of one counter.
func counted(target string, o report.Outcome, n uint64, ppm uint32) *report.Window {
	w := oneWindow(2000, report.Counter{Target: target, Outcome: o, Protocol: "h2", Server: "192.0.2.1:443", Status: 200, Count: n})
	w.SampledPPM = ppm
	return w
}

// Whatever a few places make up, millions of requests each, totals and reachability show all that
// honest clients told, and of those places a bounded amount.
func TestTotalsOfStrangers(t *testing.T) {
	const clients, requests = 120, 4
	browser := func(client uint64) *report.Header {
		h := detector.ShopHeader(client)
		h.Source, h.App = report.SourceBrowser, "Firefox"
		return h
	}
	for name, tell := range map[string]func(b *bench, n int){
		"many tokens": func(b *bench, n int) {
			b.from(64999, 7, detector.ShopHeader(10_000+uint64(n)), counted(shop, report.OK, 1000, 1))
		},
		"the largest counters": func(b *bench, n int) {
			b.from(64999, 7, detector.ShopHeader(10_000), counted(shop, report.TCPReset, report.MaxCount, 1))
		},
		"many large counters of one segment": func(b *bench, n int) {
			records := []any{detector.ShopHeader(10_000 + uint64(n))}
			for range 50 {
				records = append(records, counted(shop, report.HTTPError, report.MaxCount, 3))
			}
			b.from(64999, 7, records...)
		},
		"tokens of three networks": func(b *bench, n int) {
			b.from(64990+uint32(n)%3, 9, detector.ShopHeader(10_000+uint64(n)), counted(shop, report.DNSFailed, 500, 1))
		},
		"an invented application": func(b *bench, n int) {
			h := detector.ShopHeader(10_000 + uint64(n))
			h.App = fmt.Sprint("evil", n)
			b.from(64999, 7, h, counted(shop, report.OK, 100_000, 1))
		},
		"invented targets": func(b *bench, n int) {
			b.from(64999, 7, detector.ShopHeader(10_000+uint64(n)), counted(fmt.Sprintf("https://%d.test", n), report.TCPReset, 100_000, 1))
		},
		"reports of browsers": func(b *bench, n int) {
			b.from(64999, 7, browser(10_000+uint64(n)), counted(shop, report.TCPReset, 5000, 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				defer func() { b.stop() }()
				since := time.Now()
				for round := range 3 {
					for c := range uint64(clients) {
						b.from(64501+uint32(c)%20, report.Bucket(1+c), detector.ShopHeader(c+1), counted(shop, report.OK, requests, report.FullPPM))
					}
					for n := range 60 {
						tell(b, 60*round+n)
					}
					time.Sleep(4 * time.Second)
				}
				time.Sleep(2 * time.Minute) // what waited is stored, too
				const told = 3 * clients * requests
				all := b.total(model.TotalsQuery{Since: since})
				// the floors for one place, times the weight that it may claim
				const mostOfAll, mostOfShop = 45, 14
				if shown := all.OK + all.Failed; shown < told || shown > mostOfAll*told {
					t.Errorf("%.0f requests are shown of %d honest ones, %.3g clipped", shown, told, all.Clipped)
				}
				if got := b.total(model.TotalsQuery{Since: since, Target: shop}); got.OK+got.Failed > mostOfShop*told || got.OK < told {
					t.Errorf("of the shop are shown %.0f and %.0f of %d honest requests", got.OK, got.Failed, told)
				}
				rows, err := b.events.Totals(t.Context(), model.TotalsQuery{Since: since, By: model.DimensionsOf(model.ByASN)})
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range rows {
					if r.Key.ASN < 64900 && (r.OK != told/20 || r.Failed != 0 || r.Clipped != 0) {
						t.Errorf("an honest network is shown with %+v, want %d", r, told/20)
					}
				}
				reach, err := b.events.Reachability(t.Context(), model.ReachQuery{Since: since, Step: time.Hour})
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range reach {
					if r.ASN < 64900 && r.OK != told/20 {
						t.Errorf("an honest network is reached %+v", r)
					}
				}
			})
		})
	}
}
