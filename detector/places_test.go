package detector

import (
	"testing"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// one is what a client at a place says of one bin.
func one(asn uint32, bucket report.Bucket, client, raw uint64, weight float64, o report.Outcome) model.Count {
	return model.Count{Series: model.Series{App: "shop", Target: shop, Outcome: o, Server: server(0), ASN: asn, Country: "XA", Source: report.SourceAgent},
		Client: client, Bucket: bucket, Raw: raw, Estimated: float64(raw) * weight}
}

// steps lets a detector judge bins and returns its incidents.
func steps(t *testing.T, d *SeriesDetector, from, to int, counts func(bin int) []model.Count) (opened []model.Incident) {
	t.Helper()
	for b := from; b < to; b++ {
		all := counts(b)
		for i := range all {
			all[i].End = binEnd(b)
		}
		for _, e := range d.Step(binEnd(b), fold(all)) {
			if e.Kind == model.Opened {
				opened = append(opened, e.Incident)
			}
		}
	}
	return opened
}

// calm is what 600 clients in 300 places say when all is well.
func calm(asns int, failing bool) (all []model.Count) {
	for c := range uint64(600) {
		asn := uint32(0)
		if asns > 0 {
			asn = 64501 + uint32(c)%uint32(asns)
		}
		bucket := report.Bucket(1 + c/2)
		o := report.OK
		if failing && c/60%2 == 0 {
			o = report.TCPReset
		}
		all = append(all, one(asn, bucket, c+1, 2, 1, report.OK), one(asn, bucket, c+1, 2, 1, o))
	}
	return all
}

// However many tokens invent an outage, a few places are not everyone.
func TestFewPlacesAreNotEveryone(t *testing.T) {
	for name, asns := range map[string]uint32{"three networks": 3, "no table of networks": 0} {
		for _, places := range []int{1, 3} {
			d := newSeriesDetector(t, Thresholds{})
			if got := steps(t, d, 0, 30, func(int) []model.Count { return calm(60, false) }); len(got) != 0 {
				t.Fatal("calm is an incident")
			}
			got := steps(t, d, 30, 40, func(int) []model.Count {
				all := calm(60, false)
				for c := range uint64(2000) {
					asn := uint32(0)
					if asns > 0 {
						asn = 64900 + uint32(c)%asns
					}
					all = append(all, one(asn, report.Bucket(3000+int(c)%places), 10_000+c, 10, 1, report.HTTPError))
				}
				return all
			})
			for _, i := range got {
				t.Errorf("%s, %d places: %s", name, places, i.Title)
			}
		}
	}
}

// However many tokens of one place invent successes, they hide nothing, whether or not networks are
// known.
func TestInventedSuccessesOfOnePlaceHideNothing(t *testing.T) {
	for name, c := range map[string]struct {
		asns   int
		raw    uint64
		weight float64
	}{
		"many requests":                {60, 1000, 1},
		"many requests, heavy":         {60, 1000, 1_000_000},
		"few requests, heavy":          {60, 2, 1_000_000},
		"no table of networks":         {0, 1000, 1},
		"no table of networks, heavy":  {0, 1000, 1_000_000},
		"no table, as many as anybody": {0, 2, 20},
	} {
		d := newSeriesDetector(t, Thresholds{})
		flood := func() (all []model.Count) {
			for n := range uint64(2000) {
				all = append(all, one(uint32(min(c.asns, 1)*64501), 4000, 10_000+n, c.raw, c.weight, report.OK))
			}
			return all
		}
		if got := steps(t, d, 0, 30, func(int) []model.Count { return append(calm(c.asns, false), flood()...) }); len(got) != 0 {
			t.Fatalf("%s: calm is an incident: %s", name, got[0].Title)
		}
		got := steps(t, d, 30, 36, func(int) []model.Count { return append(calm(c.asns, true), flood()...) })
		if len(got) != 1 || !got[0].Scope.Everyone() {
			t.Errorf("%s: half of all requests fail and there are %d incidents", name, len(got))
		}
	}
}

// Without places nothing changes: what a collector of an older release hands on is judged as ever.
func TestUnknownPlacesAreJudgedByNetworks(t *testing.T) {
	d := newSeriesDetector(t, Thresholds{})
	nowhere := func(all []model.Count) []model.Count {
		for i := range all {
			all[i].Bucket = 0
		}
		return all
	}
	steps(t, d, 0, 30, func(int) []model.Count { return nowhere(calm(60, false)) })
	if got := steps(t, d, 30, 36, func(int) []model.Count { return nowhere(calm(60, true)) }); len(got) != 1 {
		t.Errorf("%d incidents, want one", len(got))
	}
}

// Invented failures of one place do not hide those of others.
func TestInventedFailuresOfOnePlaceHideNothing(t *testing.T) {
	d := newSeriesDetector(t, Thresholds{})
	flood := func() (all []model.Count) {
		for n := range uint64(50) {
			for k := range uint64(20) {
				c := one(64700, 4000, 10_000+n, 400, 1, report.HTTPError)
				c.Status = uint16(100 + k)
				all = append(all, c)
			}
		}
		return all
	}
	steps(t, d, 0, 30, func(int) []model.Count { return calm(60, false) })
	got := steps(t, d, 30, 36, func(int) []model.Count { return append(calm(60, true), flood()...) })
	if len(got) != 1 || got[0].Outcome != report.TCPReset || !got[0].Scope.Everyone() {
		t.Errorf("incidents %+v, want the one of the honest clients", got)
	}
}
