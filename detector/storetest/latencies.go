package storetest

import (
	"reflect"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// latencies: durations are summed once by target, minute and hour, also those of frames that come
// later, and are kept as long as rollups.
func latencies(t *eventsTest) {
	const other = "https://api.test"
	timed := func(minute int, target string, index uint8, weight float64) model.Timed {
		return model.Timed{At: hour.Add(time.Duration(minute)*time.Minute + time.Second), Target: target, Histogram: report.Histogram{{Index: index, Count: 3}}, Weight: weight}
	}
	first := batch(1)
	first.EndFrame()
	first.Timed = []model.Timed{timed(1, shop, 50, 20), timed(1, shop, 51, 1)}
	first.EndFrame()
	t.append(first)
	t.append(first) // known
	longer := first
	longer.Timed = append(longer.Timed[:2:2], timed(2, shop, 50, 1))
	longer.EndFrame()
	t.append(longer, detector.Batch{ID: id(2), Received: start, App: "shop", Timed: []model.Timed{timed(1, other, 9, 1), timed(61, shop, 50, 0.5)}})

	latency := func(buckets map[int]float64) (l model.Latency) {
		for i, n := range buckets {
			l[i] = n
		}
		return l
	}
	at := func(minute int) time.Time { return hour.Add(time.Duration(minute) * time.Minute).UTC() }
	ask := func(step time.Duration, since, until int) []model.LatencyStep {
		t.Helper()
		all, err := t.Latencies(t.Context(), model.LatencyQuery{Step: step, Since: at(since), Until: at(until)})
		must(t.T, err)
		for i := range all {
			all[i].At = all[i].At.UTC()
		}
		return all
	}
	want := []model.LatencyStep{
		{At: at(1), Target: other, Latency: latency(map[int]float64{9: 3})},
		{At: at(1), Target: shop, Latency: latency(map[int]float64{50: 60, 51: 3})},
		{At: at(2), Target: shop, Latency: latency(map[int]float64{50: 3})},
	}
	if got := ask(model.RollupMinute, 1, 61); !reflect.DeepEqual(got, want) {
		t.Errorf("minutes: %+v", got)
	}
	want = []model.LatencyStep{
		{At: at(0), Target: other, Latency: latency(map[int]float64{9: 3})},
		{At: at(0), Target: shop, Latency: latency(map[int]float64{50: 63, 51: 3})},
		{At: at(60), Target: shop, Latency: latency(map[int]float64{50: 1.5})},
	}
	if got := ask(model.RollupHour, 0, 120); !reflect.DeepEqual(got, want) {
		t.Errorf("hours: %+v", got)
	}
	if got := ask(model.RollupMinute, 2, 2); len(got) != 0 {
		t.Errorf("of no time: %+v", got)
	}
	must(t.T, t.Prune(t.Context(), at(2).Add(2*time.Hour), detector.Retention{Minutes: 2 * time.Hour, Hours: 150 * time.Minute}))
	if got := ask(model.RollupMinute, 0, 120); len(got) != 2 || !got[0].At.Equal(at(2)) {
		t.Errorf("minutes that are kept: %+v", got)
	}
	if got := ask(model.RollupHour, 0, 120); len(got) != 3 {
		t.Errorf("hours that are kept: %+v", got)
	}
}
