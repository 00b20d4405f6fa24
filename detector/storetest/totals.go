package storetest

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// fillTotals stores the counts for tests of totals.
func fillTotals(t *eventsTest) {
	t.append(
		batch(1,
			count(2, 1, 10, 4, model.Series{Outcome: report.OK, Server: "a:1", ASN: 1, Protocol: "h2", Status: 200}),
			count(2, 1, 2, 1, model.Series{Outcome: report.TCPReset, Server: "a:1", ASN: 1})),
		batch(2,
			count(4, 2, 5, 1, model.Series{Outcome: report.OK, Server: "b:1", ASN: 2, Protocol: "h2", Status: 200}),
			count(4, 2, 1, 1, model.Series{Outcome: report.HTTPError, Server: "b:1", ASN: 2, Status: 503}),
			count(4, 2, 1, 1, model.Series{App: model.DeliveryApp, Target: model.CollectorTarget + "c1", Outcome: report.TCPRefused, ASN: 2})))
	t.append(batch(3, count(4, 1, 1, 1, model.Series{Outcome: report.TCPReset, Server: "b:1", ASN: 1})))
}

func totals(t *eventsTest) {
	fillTotals(t)
	total := func(ok, failed float64, clients uint64, key model.Series) model.Total {
		return model.Total{Key: key, OK: ok, Failed: failed, Clients: clients}
	}
	by, everything := model.DimensionsOf, model.Series{}
	for name, c := range map[string]struct {
		q    model.TotalsQuery
		want []model.Total
	}{
		"everything": {model.TotalsQuery{Since: start}, []model.Total{total(45, 4, 2, everything)}},
		"by outcome": {model.TotalsQuery{Since: start, By: by(model.ByOutcome)}, []model.Total{
			total(0, 3, 1, model.Series{Outcome: report.TCPReset}), total(0, 1, 1, model.Series{Outcome: report.HTTPError}),
			total(45, 0, 2, model.Series{Outcome: report.OK})}},
		"by network and server": {model.TotalsQuery{Since: start, By: by(model.ByASN, model.ByServer)}, []model.Total{
			total(40, 2, 1, model.Series{ASN: 1, Server: "a:1"}), total(5, 1, 1, model.Series{ASN: 2, Server: "b:1"}),
			total(0, 1, 1, model.Series{ASN: 1, Server: "b:1"})}},
		"the first":         {model.TotalsQuery{Since: start, By: by(model.ByOutcome), Limit: 1}, []model.Total{total(0, 3, 1, model.Series{Outcome: report.TCPReset})}},
		"below an outcome":  {model.TotalsQuery{Since: start, Type: "tcp"}, []model.Total{total(0, 3, 1, everything)}},
		"one outcome":       {model.TotalsQuery{Since: start, Type: "http.error"}, []model.Total{total(0, 1, 1, everything)}},
		"a part of a word":  {model.TotalsQuery{Since: start, Type: "tc", By: by(model.ByOutcome)}, nil},
		"one target":        {model.TotalsQuery{Since: start, Target: shop}, []model.Total{total(45, 4, 2, everything)}},
		"another target":    {model.TotalsQuery{Since: start, Target: shop[:len(shop)-1], By: by(model.ByOutcome)}, nil},
		"the second bin":    {model.TotalsQuery{Since: at(2)}, []model.Total{total(5, 2, 2, everything)}},
		"the first bin":     {model.TotalsQuery{Since: start, Until: at(3)}, []model.Total{total(40, 2, 1, everything)}},
		"until its end":     {model.TotalsQuery{Since: start, Until: at(2)}, []model.Total{total(40, 2, 1, everything)}},
		"within a bin":      {model.TotalsQuery{Since: at(3)}, []model.Total{total(5, 2, 2, everything)}},
		"deliveries":        {model.TotalsQuery{Since: start, Delivery: true, By: by(model.ByTarget)}, []model.Total{total(0, 1, 1, model.Series{Target: "collector:c1"})}},
		"nothing to sum up": {model.TotalsQuery{Since: at(9), By: by(model.ByOutcome)}, nil},
	} {
		for i := range c.want {
			c.want[i].By = c.q.By
		}
		if got := t.totals(c.q); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, c.want)
		}
	}
	servers, err := t.Servers(t.Context(), start)
	if want := []model.ServerCount{{Server: "a:1", OK: 40, Failed: 2, Clients: 1}, {Server: "b:1", OK: 5, Failed: 2, Clients: 2}}; err != nil || !slices.Equal(servers, want) {
		t.Errorf("servers %+v %v, want %+v", servers, err, want)
	}
}

func totalsOfAll(t *eventsTest) {
	key := model.Series{App: "shop", Target: shop, Outcome: report.HTTPError, Protocol: "h3", Status: 503, Server: "[2001:db8::1]:443",
		ASN: math.MaxUint32, Country: "XA", Source: report.SourceBrowser}
	flagged := key
	flagged.Flags = report.FlagRetry
	t.append(batch(1, count(2, 1, 1, 1, key), count(2, 1, 2, 1, flagged)))
	want := model.Total{Key: key, By: model.AllDimensions, Failed: 3, Clients: 1}
	if got := t.total(model.TotalsQuery{By: model.AllDimensions}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for d := range model.AllDimensions.Each() {
		by := model.DimensionsOf(d)
		if got := t.total(model.TotalsQuery{By: by}); got.Key != key.Only(by) || got.Failed != 3 {
			t.Errorf("by %v: %+v", d, got)
		}
	}
}

// totalsClients: a client counts once across bins, series and pages, and estimates are close.
func totalsClients(t *eventsTest) {
	const many = 5000
	for page := range 5 {
		b := batch(page + 1)
		for c := range many {
			b.Counts = append(b.Counts, count(2*page, uint64(c), 1, 1, model.Series{Outcome: report.OK, ASN: uint32(c % 3)}))
		}
		t.append(b)
	}
	for name, c := range map[string]struct {
		q    model.TotalsQuery
		want float64
	}{"everything": {model.TotalsQuery{}, many}, "one network": {model.TotalsQuery{By: model.DimensionsOf(model.ByASN), Limit: 1}, many / 3}} {
		if got := t.total(c.q); math.Abs(float64(got.Clients)-c.want) > c.want/8 {
			t.Errorf("%s: %d clients, want about %v", name, got.Clients, c.want)
		}
	}
	b := batch(100)
	for c := range uint64(60) {
		b.Counts = append(b.Counts, count(100, c, 1, 1, reset), count(102, c, 1, 1, reset))
	}
	t.append(b)
	if got := t.total(model.TotalsQuery{Type: report.TCPReset}); got.Clients != 60 {
		t.Errorf("%d clients, want exactly 60", got.Clients)
	}
}

func reachability(t *eventsTest) {
	t.append(batch(1,
		count(2, 1, 1, 1, model.Series{App: "shop", Source: report.SourceAgent, Outcome: report.OK, ASN: 1, Country: "XA"}),
		count(4, 1, 2, 1, model.Series{App: "shop", Source: report.SourceAgent, Outcome: report.TCPReset, ASN: 1, Country: "XB", Target: "https://a.test"}),
		count(6, 1, 4, 1, model.Series{App: "shop", Source: report.SourceAgent, Outcome: report.OK, ASN: 2, Country: "XB"}),
		count(6, 1, 8, 1, model.Series{App: model.DeliveryApp, Target: "collector:c1", Outcome: report.OK, ASN: 2})))
	first, second := model.Reach{At: start, ASN: 1, OK: 1, Failed: 2, Clients: 1}, model.Reach{At: at(4), ASN: 2, OK: 4, Clients: 1}
	for name, c := range map[string]struct {
		q    model.ReachQuery
		want []model.Reach
	}{
		"networks":  {model.ReachQuery{}, []model.Reach{first, second}},
		"until":     {model.ReachQuery{Until: at(4)}, []model.Reach{first}},
		"one":       {model.ReachQuery{Target: "https://a.test"}, []model.Reach{{At: start, ASN: 1, Failed: 2, Clients: 1}}},
		"countries": {model.ReachQuery{Countries: true}, []model.Reach{{At: start, Country: "XA", OK: 1, Clients: 1}, {At: start, Country: "XB", Failed: 2, Clients: 1}, {At: at(4), Country: "XB", OK: 4, Clients: 1}}},
	} {
		c.q.Since, c.q.Step = start, 4*time.Second
		got, err := t.Reachability(t.Context(), c.q)
		if err != nil || !slices.EqualFunc(got, c.want, sameReach) {
			t.Errorf("%s: %+v %v, want %+v", name, got, err, c.want)
		}
	}
	if _, err := t.Reachability(t.Context(), model.ReachQuery{Since: start, Step: time.Millisecond}); !errors.Is(err, model.ErrQuery) {
		t.Errorf("a tiny step: %v, want ErrQuery", err)
	}
}

// sameReach reports whether two rows are equal, whatever the zone of their times.
func sameReach(a, b model.Reach) bool {
	same := a.At.Equal(b.At)
	a.At, b.At = time.Time{}, time.Time{}
	return same && a == b
}

// totalsInScope: a scope selects by networks, countries, servers and protocols, whatever the totals
// are by.
func totalsInScope(t *eventsTest) {
	t.append(batch(1,
		count(2, 1, 1, 1, model.Series{App: "shop", Source: report.SourceAgent, Outcome: report.OK, ASN: 1, Country: "XA", Server: "a:1", Protocol: "h2"}),
		count(4, 1, 2, 1, model.Series{App: "shop", Source: report.SourceAgent, Outcome: report.OK, ASN: 1, Country: "XB", Server: "b:1", Protocol: "h3"}),
		count(6, 1, 4, 1, model.Series{App: "shop", Source: report.SourceAgent, Outcome: report.OK, ASN: 2, Country: "XB", Server: "b:1", Protocol: "h2"})))
	for name, c := range map[string]struct {
		scope model.Scope
		want  float64
	}{
		"a network":             {model.Scope{ASNs: []uint32{1}}, 3},
		"two networks":          {model.Scope{ASNs: []uint32{1, 2}}, 7},
		"a country":             {model.Scope{Countries: []string{"XB"}}, 6},
		"a server":              {model.Scope{Servers: []string{"a:1"}}, 1},
		"a protocol":            {model.Scope{Protocols: []string{"h2"}}, 5},
		"a network's protocol":  {model.Scope{ASNs: []uint32{2}, Protocols: []string{"h2"}}, 4},
		"what nobody has":       {model.Scope{ASNs: []uint32{2}, Protocols: []string{"h3"}}, 0},
		"everything for anyone": {model.Scope{}, 7},
	} {
		if got := t.total(model.TotalsQuery{Since: start, Scope: c.scope}); got.OK != c.want {
			t.Errorf("%s: %v, want %v", name, got.OK, c.want)
		}
	}
	totalsPicked(t)
}

// totalsPicked: requests are selected by values of dimensions before the answer is cut.
func totalsPicked(t *eventsTest) {
	b := batch(2)
	for i := range model.MaxRows {
		b.Counts = append(b.Counts, count(8, uint64(i), 2, 1, model.Series{App: "shop", Target: shop, Source: report.SourceAgent, Outcome: report.HTTPError, Status: 503, ASN: uint32(i + 10)}))
	}
	few := model.Series{App: "blog", Target: shop, Source: report.SourceBrowser, Outcome: report.HTTPError, Status: 502, ASN: 5}
	b.Counts = append(b.Counts, count(8, 7, 1, 1, few))
	t.append(b)
	by := model.DimensionsOf
	for name, q := range map[string]model.TotalsQuery{
		"an application": {Picked: model.Series{App: "blog"}, PickedBy: by(model.ByApp)},
		"a status":       {Picked: model.Series{Status: 502}, PickedBy: by(model.ByStatus)},
		"a source":       {Picked: few, PickedBy: by(model.BySource)},
		"all of them":    {Picked: few, PickedBy: by(model.ByApp, model.ByStatus, model.BySource)},
	} {
		q.Since, q.By = start, by(model.ByASN)
		if got := t.totals(q); len(got) != 1 || got[0].Key != (model.Series{ASN: 5}) || got[0].Failed != 1 || got[0].Clients != 1 {
			t.Errorf("%s: %d rows, the first %+v", name, len(got), got[:min(1, len(got))])
		}
	}
	none := model.TotalsQuery{Since: start, Picked: model.Series{App: "none"}, PickedBy: by(model.ByApp)}
	if got := t.total(none); got != (model.Total{}) {
		t.Errorf("what nobody has: %+v", got)
	}
}
