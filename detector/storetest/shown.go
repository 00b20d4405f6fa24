package storetest

import (
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// clipped: every answer shows what one place reports in a bin only up to the place's limit. The
// rest is in Total.Clipped. Honest places are shown in full.
func clipped(t *eventsTest) {
	b := batch(1)
	add := func(bin int, asn uint32, bucket report.Bucket, client, raw uint64, weight float64, o report.Outcome) {
		c := count(bin, client, raw, weight, model.Series{Outcome: o, ASN: asn, Server: "a:1"})
		c.Bucket = bucket
		b.Counts = append(b.Counts, c)
	}
	for bin := 2; bin <= 4; bin += 2 {
		for n := range uint32(20) {
			add(bin, 100+n, report.Bucket(1+n), uint64(n), 30, 2, report.OK)
		}
	}
	for n := range uint64(400) { // 4000 requests each of success and failure, from one place
		add(4, 999, 7, 1000+n, 10, 1, report.OK)
		add(4, 999, 7, 1000+n, 10, 5, report.HTTPError)
	}
	t.append(b)
	const limit = 10 * 30 // ten usual places
	for name, c := range map[string]struct {
		q    model.TotalsQuery
		want model.Total
	}{
		"all":               {model.TotalsQuery{Since: start}, model.Total{OK: 2400 + limit/2, Failed: limit / 2 * 5, Clipped: 24_000 - limit*3}},
		"the bin before":    {model.TotalsQuery{Since: start, Until: at(2)}, model.Total{OK: 1200}},
		"failures":          {model.TotalsQuery{Since: start, Type: "http"}, model.Total{Failed: limit / 2 * 5, Clipped: 20_000 - limit/2*5}},
		"an honest network": {model.TotalsQuery{Since: start, By: model.DimensionsOf(model.ByASN), Limit: 2}, model.Total{Failed: limit / 2 * 5, OK: limit / 2, Clipped: 24_000 - limit*3}},
	} {
		got := t.totals(c.q)[0]
		if near(got.OK, c.want.OK) && near(got.Failed, c.want.Failed) && near(got.Clipped, c.want.Clipped) {
			continue
		}
		t.Errorf("%s: %+v, want %+v", name, got, c.want)
	}
	if servers, err := t.Servers(t.Context(), start); err != nil || len(servers) != 1 || !near(servers[0].OK, 2400+limit/2) {
		t.Errorf("servers %+v %v", servers, err)
	}
	reach, err := t.Reachability(t.Context(), model.ReachQuery{Since: start, Step: 4 * time.Second})
	must(t.T, err)
	for _, r := range reach {
		if r.ASN == 999 && !(near(r.OK, limit/2) && near(r.Failed, limit/2*5)) || r.ASN != 999 && r.OK != 120 {
			t.Errorf("reachability %+v", r)
		}
	}
}

// near reports whether two sums are equal but for rounding.
func near(a, b float64) bool { return a-b < 1e-6 && b-a < 1e-6 }
