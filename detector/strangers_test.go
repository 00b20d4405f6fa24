package detector

import (
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// stranger is a row of somebody who makes it up.
func stranger(second int64, asn uint32, bucket report.Bucket, client uint64, o report.Outcome) judgement.Row {
	return judgement.Row{At: second*1000 - 500, Arrived: second * 1000, App: "shop", Version: "1", OS: "linux", Target: shop, Outcome: o, Server: "192.0.2.1:443",
		Source: report.SourceAgent, ASN: asn, Country: "XA", Collector: "c1", Bucket: bucket, Client: 1<<40 + client, Raw: 1, Estimated: 1}
}

// However loud a few clients are, whatever weight they claim and however many they say they are:
// nobody is alerted for what they make up, but of their own network at most, and an outage behind
// it is told.
func TestShouting(t *testing.T) {
	for name, c := range map[string]struct {
		extra   func(second int64) []judgement.Row
		outage  bool // AS64502 is cut off
		allowed []uint32
	}{
		"one client fails a million times": {extra: func(s int64) []judgement.Row {
			r := stranger(s, 64505, 4000, 1, report.TCPReset)
			r.Raw, r.Estimated = 1e6, 1e6
			return []judgement.Row{r}
		}},
		"one client claims a giant weight": {extra: func(s int64) []judgement.Row {
			r := stranger(s, 64505, 4000, 1, report.TCPReset)
			r.Estimated = 1e6
			return []judgement.Row{r}
		}},
		"two clients in a loop": {extra: func(s int64) (rows []judgement.Row) {
			for i := range uint64(2) {
				r := stranger(s, uint32(64501+i), report.Bucket(4000+i), i, report.TCPReset)
				r.Raw, r.Estimated = 20, 20
				rows = append(rows, r)
			}
			return rows
		}},
		"a machine that invents clients": {extra: func(s int64) (rows []judgement.Row) {
			for i := range uint64(30) {
				rows = append(rows, stranger(s, 64505, 4000, uint64(s)*30+i, report.TCPReset))
			}
			return rows
		}},
		"a network that invents its users": {extra: func(s int64) (rows []judgement.Row) {
			for i := range uint64(30) {
				rows = append(rows, stranger(s, 65000, report.Bucket(1+(uint64(s)*30+i)%4096), uint64(s)*30+i, report.TCPReset))
			}
			return rows
		}, allowed: []uint32{65000}},
		"successes hide an outage": {outage: true, allowed: []uint32{64502}, extra: func(s int64) []judgement.Row {
			r := stranger(s, 64502, 4000, 1, report.OK)
			r.Raw, r.Estimated = 1e9, 1e9
			return []judgement.Row{r}
		}},
		"a weight hides an outage": {outage: true, allowed: []uint32{64502}, extra: func(s int64) []judgement.Row {
			r := stranger(s, 64502, 4000, 1, report.OK)
			r.Raw, r.Estimated = 3, 1e9
			return []judgement.Row{r}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, judgement.Options{})
			w.networks = 12
			w.calm(12 * time.Minute)
			w.extra = c.extra
			if c.outage {
				w.pass(time.Minute)
				w.fault = cutOff(64502)
			}
			paged := paging(w.pass(5 * time.Minute))
			for _, i := range paged {
				if !slices.Equal(i.Scope.ASNs, c.allowed) || len(c.allowed) == 0 {
					t.Errorf("alerted by %+v", i)
				}
			}
			if c.outage && len(paged) != 1 {
				t.Errorf("the outage is hidden: %+v", paged)
			}
		})
	}
}

// However many tokens invent an outage, a few places are not everyone.
func TestFewPlacesAreNotEveryone(t *testing.T) {
	for name, networks := range map[string]uint32{"three networks": 3, "no table of networks": 0} {
		for _, places := range []uint64{1, 3} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newTown(t, judgement.Options{})
				w.calm(12 * time.Minute)
				w.extra = func(s int64) (rows []judgement.Row) {
					for i := range uint64(40) {
						asn := uint32(0)
						if networks > 0 {
							asn = 64900 + uint32(i)%networks
						}
						rows = append(rows, stranger(s, asn, report.Bucket(3000+i%places), uint64(s)*40+i, report.HTTPError))
					}
					return rows
				}
				if paged := paging(w.pass(4 * time.Minute)); len(paged) > 0 {
					t.Errorf("%d places: %+v", places, paged[0])
				}
			})
		}
	}
}

// However many tokens of one place invent successes, or other failures, they hide nothing.
func TestOnePlaceHidesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		outcome report.Outcome
		raw     uint64
		weight  float64
		unknown bool // the stranger's network
		before  bool // it began before there was anything
	}{
		"many requests":         {report.OK, 1000, 1, false, true},
		"few requests, heavy":   {report.OK, 2, 1e6, false, true},
		"in an unknown network": {report.OK, 1000, 1, true, true},
		"suddenly":              {report.OK, 1000, 1, false, false},
		"failures":              {report.HTTPError, 400, 1, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, judgement.Options{})
			flood := func(s int64) (rows []judgement.Row) {
				for i := range uint64(30) {
					r := stranger(s, 64700, 4000, uint64(s)%60*30+i, c.outcome)
					if c.unknown {
						r.ASN = 0
					}
					r.Raw, r.Estimated = c.raw, float64(c.raw)*c.weight
					rows = append(rows, r)
				}
				return rows
			}
			if c.before {
				w.extra = flood
			}
			w.calm(12 * time.Minute)
			w.extra = flood
			w.pass(time.Minute)
			w.fault = func(r *judgement.Row) {
				if w.rng.IntN(2) == 0 {
					r.Outcome = report.TCPReset
				}
			}
			paged := paging(w.pass(40 * time.Second))
			if len(paged) != 1 || paged[0].Outcome != report.TCPReset {
				t.Fatalf("half of all requests fail: %+v", paged)
			}
			w.pass(5 * time.Minute)
			// everyone, or all but the flood
			if i := w.news.open[paged[0].ID]; !i.Page || !i.Scope.Everyone() && len(i.Scope.ASNs) != w.networks {
				t.Errorf("half of all requests fail for 5 minutes: %+v", i)
			}
		})
	}
}

// What a collector of an older release hands on, which tells no places, is judged by networks and
// by what clients call themselves.
func TestUnknownPlacesAreJudgedByNetworks(t *testing.T) {
	w := newTown(t, judgement.Options{})
	w.noPlaces = true
	w.calm(12 * time.Minute)
	w.fault = func(r *judgement.Row) {
		if w.rng.IntN(2) == 0 {
			r.Outcome = report.TCPReset
		}
	}
	if paged := paging(w.pass(2 * time.Minute)); len(paged) != 1 || !paged[0].Scope.Everyone() || paged[0].Verdict != model.ServiceDown {
		t.Errorf("half of all requests fail: %+v", paged)
	}
}
