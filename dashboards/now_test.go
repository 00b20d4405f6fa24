package dashboards

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/judge"
	"github.com/heliograph-net/heliograph/report"
)

// byTarget returns one row of totals, as queried for the headline.
func byTarget(target string, outcome report.Outcome, n float64, clients uint64) model.Total {
	t := model.Total{Key: model.Series{Target: target, Outcome: outcome}, By: model.DimensionsOf(model.ByTarget, model.ByOutcome), Clients: clients}
	if outcome == report.OK {
		t.OK = n
	} else {
		t.Failed = n
	}
	return t
}

func TestNow(t *testing.T) {
	reader := &fakeReader{
		totals: []model.Total{byTarget("https://127.0.0.1:9", report.TCPRefused, 40, 20)},
		reach:  []model.Reach{{At: time.Now().Truncate(time.Minute), Failed: 40}},
	}
	_, url := serve(t, Options{Reader: reader, Thresholds: thresholds(judge.Thresholds{Clients: 24, Failures: 10}), Servers: fleet(t, 3)})
	wantJSON(t, url+"/api/v1/now", `{"state":"unsure",
		"headline":"40 of 40 requests to https://127.0.0.1:9 failed, 20 clients: too few to judge (24 needed)",
		"why":["40 requests in 15 min, 100 % failed, 1 network","1 of 1 network failing now","3 servers: 3 of unknown state"],"who":"20 clients"}`)
	since := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	reader.set(func(f *fakeReader) {
		f.incidents = []model.Incident{{ID: 1, App: "shop", Target: "https://127.0.0.1:9", Outcome: report.TCPRefused, Since: since, Clients: 30}}
	})
	wantJSON(t, url+"/api/v1/now", `{"state":"incident","headline":"Requests to https://127.0.0.1:9 fail for everyone: tcp.refused",
		"since":"2026-11-22T12:00:00Z","why":["40 requests in 15 min, 100 % failed, 1 network","3 servers: 3 of unknown state"],
		"who":"30 clients, everywhere","incident":1,"trend":"too_early"}`)
}

// The dashboard asks for requests in the past only while there are none now, and then
// once a minute.
func TestNowRemembersThePast(t *testing.T) {
	reader := &fakeReader{}
	d, err := New(Options{Reader: reader})
	if err != nil {
		t.Fatal(err)
	}
	state := func(at time.Time) api.State {
		t.Helper()
		v, err := d.newLook(t.Context(), at).judged()
		if err != nil {
			t.Fatal(err)
		}
		return v.(api.Now).State
	}
	began := time.Now()
	if got := state(began); got != api.Unsure {
		t.Errorf("an empty store is %s", got)
	}
	reader.set(func(f *fakeReader) { f.totals = []model.Total{{OK: 5}} })
	if got := state(began.Add(pastAgain / 2)); got != api.Unsure {
		t.Errorf("asked again too soon: %s", got)
	}
	if got := state(began.Add(pastAgain)); got != api.Silent {
		t.Errorf("with requests in the past it is %s, want silent", got)
	}
	asked := reader.count()
	state(began.Add(2 * pastAgain))
	perLook := reader.count() - asked
	reader.set(func(f *fakeReader) { f.reach = []model.Reach{{At: began.Truncate(time.Minute), OK: 5}} })
	state(began)
	if n := reader.count() - asked; n != 2*perLook {
		t.Errorf("%d queries for two looks, want %d: what is known is not asked for", n, 2*perLook)
	}
}

func TestSumsOf(t *testing.T) {
	rows := []model.Total{
		byTarget("https://a.example", report.TCPReset, 7, 3), byTarget("collector:c1", report.TCPRefused, 4, 2),
		byTarget("https://a.example", report.OK, 90, 50), byTarget("https://a.example", report.HTTPError, 2, 2),
	}
	recent := []model.Total{{Key: model.Series{Target: "https://a.example"}, OK: 30, Failed: 1}, {Key: model.Series{Target: "https://b.example"}, OK: 1}}
	want := []judge.Sum{
		{Name: "https://a.example", OK: 90, Failed: 9, Clients: 5, AtMost: true, RecentOK: 30, RecentFailed: 1},
		{Name: "c1", Failed: 4, Clients: 2},
	}
	if got := sumsOf(rows, recent); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

func TestPauseOf(t *testing.T) {
	for want, heard := range map[time.Duration][]float64{
		0:               {0, 0, 0, 0},
		time.Minute:     {0, 0, 1, 0, 1, 0, 0, 0},
		3 * time.Minute: {1, 0, 1, 0, 0, 0, 1, 1},
	} {
		grid := api.Reachability{StepSeconds: 60, All: api.Columns{OK: heard, Failed: make([]float64, len(heard))}}
		if got := pauseOf(grid); got != want {
			t.Errorf("%v: %v, want %v", heard, got, want)
		}
	}
}

// The networks that fail now come first, even if the last columns are still empty.
func TestOriginsThatFailNowComeFirst(t *testing.T) {
	origin := func(asn uint32, ok, failed []float64) *api.Origin {
		o := &api.Origin{Network: api.Network{ASN: asn}, Columns: api.Columns{OK: ok, Failed: failed}}
		o.Recent = recentOf(o.Columns)
		return o
	}
	origins := map[place]*api.Origin{
		{asn: 1}: origin(1, []float64{900, 900, 900, 0}, []float64{0, 0, 9, 0}),
		{asn: 2}: origin(2, []float64{10, 10, 1, 0}, []float64{0, 0, 9, 0}),
		{asn: 3}: origin(3, []float64{1, 9, 9, 9}, []float64{9, 0, 0, 0}),
		{asn: 4}: origin(4, []float64{0, 0, 0, 0}, []float64{0, 0, 0, 2}),
	}
	if old := recentOf(api.Columns{OK: make([]float64, 20), Failed: append([]float64{90}, make([]float64, 19)...)}); old.Failed != 0 {
		t.Errorf("%+v is of long ago", old)
	}
	var order []uint32
	for _, o := range ranked(origins, false, 3) {
		order = append(order, o.ASN)
	}
	if want := []uint32{2, 1, 3}; !reflect.DeepEqual(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
	if want := (api.Recent{OK: 21, Failed: 9, Failing: true}); origins[place{asn: 2}].Recent != want {
		t.Errorf("recent %+v, want %+v", origins[place{asn: 2}].Recent, want)
	}
}

// thresholds returns a function that always returns t.
func thresholds(t judge.Thresholds) func() judge.Thresholds {
	return func() judge.Thresholds { return t }
}

// fullReader refuses to read its whole past, because there is too much of it.
type fullReader struct{ *fakeReader }

func (f fullReader) Totals(ctx context.Context, q model.TotalsQuery) ([]model.Total, error) {
	if q.Limit == 1 {
		return nil, &model.CostError{Of: "sums", Most: 1}
	}
	return f.fakeReader.Totals(ctx, q)
}

// What is too much to be read is something.
func TestNowOfAFullStore(t *testing.T) {
	d, err := New(Options{Reader: fullReader{&fakeReader{}}})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := d.newLook(t.Context(), time.Now()).judged(); err != nil || v.(api.Now).State != api.Silent {
		t.Errorf("%+v, %v; want silent", v, err)
	}
}
