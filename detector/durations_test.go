package detector

import (
	"reflect"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Durations are stored of successful requests to the targets that are asked for, with their
// window's weight, if they stand behind it and do not claim more than it counts.
func TestDurationsAreStored(t *testing.T) {
	failed := report.Counter{Target: shop, Outcome: report.HTTPError, Status: 500, Count: 2}
	other := okCounter
	other.Target, other.Count = "https://www.shop.test", 2000
	slow := report.Histogram{{Index: 48, Count: 2}, {Index: 90, Count: 1}}
	many := report.Histogram{{Index: 48, Count: 2000}}
	w := window(2000, 2000, 250_000, failed, okCounter, other)
	d := &report.Durations{Histograms: []report.Histogram{{{Index: 9, Count: 2}}, slow, many}}
	middle := time.UnixMilli(received - 1000)
	for name, c := range map[string]struct {
		timed   []string
		records []any
		want    []model.Timed
	}{
		"behind the window":       {[]string{shop}, []any{w, d}, []model.Timed{{At: middle, Target: shop, Histogram: slow, Weight: 4}}},
		"of many requests":        {[]string{other.Target}, []any{w, d}, []model.Timed{{At: middle, Target: other.Target, Histogram: many, Weight: 2}}},
		"not asked for":           {nil, []any{w, d}, nil},
		"behind another record":   {[]string{shop}, []any{w, FutureRecord, d}, nil},
		"twice":                   {[]string{shop}, []any{w, d, d}, []model.Timed{{At: middle, Target: shop, Histogram: slow, Weight: 4}}},
		"of fewer groups":         {[]string{other.Target}, []any{w, &report.Durations{Histograms: d.Histograms[:2]}}, nil},
		"of more groups":          {[]string{shop}, []any{window(2000, 2000, 250_000, failed), &report.Durations{Histograms: d.Histograms}}, nil},
		"of more than is counted": {[]string{shop}, []any{w, &report.Durations{Histograms: []report.Histogram{nil, {{Index: 1, Count: 4}}}}}, nil},
	} {
		o := testOpener()
		o.timed = map[string]bool{}
		for _, target := range c.timed {
			o.timed[target] = true
		}
		b, _, err := o.open(envelope(t, report.Delivery{Age: 2000}, append([]any{ShopHeader(7)}, c.records...)...), time.UnixMilli(received))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(b.Timed, c.want) {
			t.Errorf("%s: %+v, want %+v", name, b.Timed, c.want)
		}
	}
}

// Each histogram of successes is one row before the judge, with what its requests have in common.
func TestDurationsAreJudged(t *testing.T) {
	a, b := okCounter, okCounter
	a.Server, b.Server = "192.0.2.1:443", "192.0.2.2:443"
	failed := report.Counter{Target: shop, Outcome: report.HTTPError, Status: 500, Count: 2}
	took := report.Histogram{{Index: 48, Count: 2}, {Index: 90, Count: 1}}
	w := window(2000, 2000, 250_000, failed, a, b)
	got, _, err := testOpener().open(envelope(t, report.Delivery{Age: 2000}, ShopHeader(7), w, &report.Durations{Histograms: []report.Histogram{{{Index: 9, Count: 2}}, took}}), time.UnixMilli(received))
	if err != nil || len(got.TimedRows) != 1 {
		t.Fatalf("%d rows, %v", len(got.TimedRows), err)
	}
	r := got.TimedRows[0]
	if r.Target != shop || r.Outcome != report.OK || r.Server != "" || r.Protocol != okCounter.Protocol || r.Raw != 3 || r.Estimated != 12 || r.At != received || !reflect.DeepEqual(*r.Took, took) {
		t.Errorf("%+v", r)
	}
}
