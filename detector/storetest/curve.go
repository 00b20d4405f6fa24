package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

func curve(t *eventsTest) {
	const pay = "https://pay.example"
	t.append(batch(1,
		count(2, 1, 1, 1, model.Series{Outcome: report.OK, ASN: 1, Server: "a:1", Protocol: "h2"}),
		count(4, 1, 2, 1, model.Series{Outcome: report.TCPReset, ASN: 1, Server: "b:1"}),
		count(6, 1, 4, 1, model.Series{Outcome: report.OK, ASN: 2, Server: "b:1", Protocol: "h3"}),
		count(6, 2, 8, 1, model.Series{Outcome: report.HTTPError, ASN: 2, Server: "a:1", App: "pay", Target: pay, Country: "DE"}),
		count(6, 1, 16, 1, model.Series{App: model.DeliveryApp, Target: "collector:c1", Outcome: report.TCPRefused, ASN: 2})))
	point := func(after int, ok, failed float64) model.CurvePoint {
		return model.CurvePoint{At: at(after), OK: ok, Failed: failed}
	}
	for name, c := range map[string]struct {
		q    model.CurveQuery
		want []model.CurvePoint
	}{
		"all":             {model.CurveQuery{}, []model.CurvePoint{point(0, 1, 0), point(2, 0, 2), point(4, 4, 8)}},
		"wider steps":     {model.CurveQuery{Step: 4 * time.Second}, []model.CurvePoint{point(0, 1, 2), point(4, 4, 8)}},
		"until":           {model.CurveQuery{Until: at(4)}, []model.CurvePoint{point(0, 1, 0), point(2, 0, 2)}},
		"one target":      {model.CurveQuery{Target: pay}, []model.CurvePoint{point(4, 0, 8)}},
		"one outcome":     {model.CurveQuery{Type: "tcp"}, []model.CurvePoint{point(0, 1, 0), point(2, 0, 2), point(4, 4, 0)}},
		"one network":     {model.CurveQuery{Scope: model.Scope{ASNs: []uint32{1, 9}}}, []model.CurvePoint{point(0, 1, 0), point(2, 0, 2)}},
		"one server":      {model.CurveQuery{Scope: model.Scope{Servers: []string{"b:1"}}}, []model.CurvePoint{point(2, 0, 2), point(4, 4, 0)}},
		"one country":     {model.CurveQuery{Scope: model.Scope{Countries: []string{"DE"}}}, []model.CurvePoint{point(4, 0, 8)}},
		"one protocol":    {model.CurveQuery{Scope: model.Scope{Protocols: []string{"h3"}}}, []model.CurvePoint{point(4, 4, 0)}},
		"deliveries":      {model.CurveQuery{Delivery: true, Target: "collector:c1"}, []model.CurvePoint{point(4, 0, 16)}},
		"nothing of that": {model.CurveQuery{Target: "https://gone.example"}, nil},
	} {
		c.q.Since = start
		if c.q.Step == 0 {
			c.q.Step = 2 * time.Second
		}
		got, err := t.Curve(t.Context(), c.q)
		same := slices.EqualFunc(got, c.want, func(a, b model.CurvePoint) bool {
			return a.At.Equal(b.At) && a.OK == b.OK && a.Failed == b.Failed
		})
		if err != nil || !same {
			t.Errorf("%s: %+v %v, want %+v", name, got, err, c.want)
		}
	}
	got, err := t.Curve(t.Context(), model.CurveQuery{Since: start, Step: 4 * time.Second, Clients: true})
	if err != nil || len(got) != 2 || got[0].Clients != 1 || got[1].Clients != 2 {
		t.Errorf("with clients: %+v %v, want one and two", got, err)
	}
	if _, err := t.Curve(t.Context(), model.CurveQuery{Since: start, Step: time.Millisecond}); !errors.Is(err, model.ErrQuery) {
		t.Errorf("a tiny step: %v, want ErrQuery", err)
	}
}
