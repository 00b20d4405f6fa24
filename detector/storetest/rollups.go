package storetest

import (
	"errors"
	"reflect"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// hour is the start of an hour.
var hour = start.Truncate(time.Hour)

// released returns a row of a client of a version, whose window ended so many seconds after hour.
func released(sec int, client uint64, version string, o report.Outcome, asn uint32, estimated float64) judgement.Row {
	end := hour.Add(time.Duration(sec) * time.Second).UnixMilli()
	return judgement.Row{At: end, Arrived: end + 1, App: "shop", Version: version, OS: "linux", Target: shop, Outcome: o, Source: report.SourceAgent,
		ASN: asn, Country: "XA", Client: client, Raw: 1, Estimated: estimated}
}

// tell stores a batch with rows.
func (t *eventsTest) tell(n int, rows ...judgement.Row) {
	t.Helper()
	b := batch(n)
	for range rows {
		b.Counts = append(b.Counts, count(1, 1, 1, 1, ok))
	}
	b.Rows = rows
	t.append(b)
}

// rollUp adds everything that is stored to the rollups.
func (t *eventsTest) rollUp() {
	t.Helper()
	_, last, err := t.Unjudged(t.Context(), 0)
	must(t.T, err)
	must(t.T, t.Judged(t.Context(), last))
}

func (t *eventsTest) rollups(q model.RollupQuery) []model.Rollup {
	t.Helper()
	all, err := t.Rollups(t.Context(), q)
	must(t.T, err)
	for i := range all {
		all[i].At = all[i].At.UTC()
	}
	return all
}

// rollups: what was judged is summed once by minute and by hour, late or not, and by what the
// query asks for.
func rollups(t *eventsTest) {
	minute := func(n int) time.Time { return hour.Add(time.Duration(n) * time.Minute).UTC() }
	delivery := released(60, 9, "1.5", report.OK, 7, 1)
	delivery.App, delivery.Target = model.DeliveryApp, model.CollectorTarget+"c1"
	t.tell(1, released(60, 1, "1.4", report.OK, 7, 20), released(60, 2, "1.5", report.TCPReset, 7, 1), delivery)
	t.tell(2, released(61, 1, "1.4", report.OK, 8, 20), released(120, 3, "1.5", report.OK, 7, 20))
	if all := t.rollups(model.RollupQuery{Step: model.RollupMinute}); len(all) != 0 {
		t.Errorf("%+v before anything was judged", all)
	}
	t.rollUp()
	t.reopen()
	t.rollUp()
	t.tell(3, released(30, 4, "1.4", report.OK, 7, 20)) // it comes late
	timed := released(60, 1, "1.4", report.OK, 7, 20)   // of requests that are counted already
	timed.Took = &report.Histogram{{Index: 48, Count: 1}}
	b := batch(4)
	b.TimedRows = []judgement.Row{timed}
	t.append(b)
	t.rollUp()
	for name, c := range map[string]struct {
		q    model.RollupQuery
		want []model.Rollup
	}{
		"all minutes": {model.RollupQuery{Step: model.RollupMinute}, []model.Rollup{
			{At: minute(0), OK: 40, Failed: 1, Reports: 3, Clients: 3}, {At: minute(1), OK: 40, Reports: 2, Clients: 2}}},
		"a version's hours": {model.RollupQuery{Step: model.RollupHour, App: "shop", Versions: []string{"1.5", "1.6"}, By: []model.Facet{model.FacetVersion, model.FacetASN}},
			[]model.Rollup{{At: minute(0), Key: model.RollupKey{Version: "1.5", ASN: 7}, OK: 20, Failed: 1, Reports: 2, Clients: 2}}},
		"since":     {model.RollupQuery{Step: model.RollupMinute, Since: minute(1)}, []model.Rollup{{At: minute(1), OK: 40, Reports: 2, Clients: 2}}},
		"until":     {model.RollupQuery{Step: model.RollupMinute, Until: minute(1)}, []model.Rollup{{At: minute(0), OK: 40, Failed: 1, Reports: 3, Clients: 3}}},
		"of a type": {model.RollupQuery{Step: model.RollupHour, Type: "tcp"}, []model.Rollup{{At: minute(0), Failed: 1, Reports: 1, Clients: 1}}},
		"durations": {model.RollupQuery{Step: model.RollupMinute, Durations: true, By: []model.Facet{model.FacetType}},
			[]model.Rollup{{At: minute(0), Key: model.RollupKey{Outcome: model.TookOutcome(48)}, OK: 20, Reports: 1, Clients: 1}}},
		"none":       {model.RollupQuery{Step: model.RollupHour, App: "other"}, []model.Rollup{}},
		"by systems": {model.RollupQuery{Step: model.RollupHour, Target: shop, By: []model.Facet{model.FacetOS}}, []model.Rollup{{At: minute(0), Key: model.RollupKey{OS: "linux"}, OK: 80, Failed: 1, Reports: 5, Clients: 4}}},
	} {
		if got := t.rollups(c.q); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	for _, q := range []model.RollupQuery{{Step: time.Second}, {Step: model.RollupHour, By: []model.Facet{"colour"}}} {
		if _, err := t.Rollups(t.Context(), q); !errors.Is(err, model.ErrQuery) {
			t.Errorf("%+v: %v, want ErrQuery", q, err)
		}
	}
	must(t.T, t.Prune(t.Context(), hour.Add(time.Hour), detector.Retention{Minutes: 59*time.Minute + 30*time.Second, Hours: time.Hour}))
	if all := t.rollups(model.RollupQuery{Step: model.RollupMinute}); len(all) != 1 || !all[0].At.Equal(minute(1)) {
		t.Errorf("minutes after pruning: %+v", all)
	}
	if all := t.rollups(model.RollupQuery{Step: model.RollupHour}); len(all) != 1 {
		t.Errorf("hours after pruning: %+v", all)
	}
}

// fingerprints: a cause of errors has the first and the last release that it was seen in, in
// whatever order the errors come.
func fingerprints(t *eventsTest) {
	for i, e := range []struct {
		sec     int
		client  uint64
		version string
	}{{20, 1, "1.4.2"}, {10, 2, "1.4.1"}, {15, 2, "1.4.9"}, {30, 3, "1.5.0"}} {
		b := batch(i + 1)
		v := appError(e.sec, e.client)
		v.Version = e.version
		b.Samples = []model.Sample{v, request(1, report.TCPReset, shop)}
		t.append(b)
	}
	other := appError(25, 3)
	other.App, other.Version, other.Error.Fingerprint = "till", "2", [16]byte{2}
	b := batch(9)
	b.Samples = []model.Sample{other}
	t.append(b)
	t.reopen()
	ask := func(q model.FingerprintQuery) []model.Fingerprint {
		t.Helper()
		all, err := t.Fingerprints(t.Context(), q)
		must(t.T, err)
		for i := range all {
			all[i].First, all[i].Last = all[i].First.UTC(), all[i].Last.UTC()
		}
		return all
	}
	shops := model.Fingerprint{App: "shop", Fingerprint: [16]byte{1}, Type: "runtime.boundsError", Outcome: report.AppPanic, First: at(10).UTC(), Last: at(30).UTC(),
		FirstVersion: "1.4.1", LastVersion: "1.5.0", Errors: 8, Clients: 3}
	tills := model.Fingerprint{App: "till", Fingerprint: [16]byte{2}, Type: "runtime.boundsError", Outcome: report.AppPanic, First: at(25).UTC(), Last: at(25).UTC(),
		FirstVersion: "2", LastVersion: "2", Errors: 2, Clients: 1}
	for name, c := range map[string]struct {
		q    model.FingerprintQuery
		want []model.Fingerprint
	}{
		"all":    {model.FingerprintQuery{}, []model.Fingerprint{shops, tills}},
		"one":    {model.FingerprintQuery{Limit: 1}, []model.Fingerprint{shops}},
		"by app": {model.FingerprintQuery{App: "till"}, []model.Fingerprint{tills}},
		"new in": {model.FingerprintQuery{NewIn: "1.4.1"}, []model.Fingerprint{shops}},
		"not":    {model.FingerprintQuery{NewIn: "1.5.0"}, nil},
		"since":  {model.FingerprintQuery{Since: at(26)}, []model.Fingerprint{shops}},
		"until":  {model.FingerprintQuery{Until: at(25)}, []model.Fingerprint{shops}},
		"span":   {model.FingerprintQuery{Since: at(15), Until: at(20)}, []model.Fingerprint{shops}},
		"before": {model.FingerprintQuery{Until: at(10)}, nil},
		"print":  {model.FingerprintQuery{Fingerprint: [16]byte{2}}, []model.Fingerprint{tills}},
	} {
		if got := ask(c.q); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	// each report of errors counts once in the rollups, and is no request
	counted := t.rollups(model.RollupQuery{Step: model.RollupHour, Errors: true, App: "shop", By: []model.Facet{model.FacetVersion, model.FacetType}})
	if len(counted) != 4 || counted[0].Failed != 1 || counted[0].Clients != 1 || counted[0].Key.Outcome != report.AppPanic {
		t.Errorf("errors by version: %+v", counted)
	}
	if requests := t.rollups(model.RollupQuery{Step: model.RollupHour}); len(requests) != 0 {
		t.Errorf("errors count as requests: %+v", requests)
	}
	must(t.T, t.Forget(t.Context(), []uint64{2, 3}))
	if all := ask(model.FingerprintQuery{App: "shop"}); len(all) != 1 || all[0].Clients != 1 {
		t.Errorf("after two clients were forgotten: %+v", all)
	}
	must(t.T, t.Prune(t.Context(), at(28), detector.Retention{Hours: time.Second}))
	if all := ask(model.FingerprintQuery{}); len(all) != 1 || all[0].App != "shop" {
		t.Errorf("after pruning: %+v", all)
	}
}
