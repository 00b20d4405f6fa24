package dashboards

import (
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

func askCurve(t *testing.T, client *http.Client, query string) (c api.Curve) {
	t.Helper()
	if err := json.Unmarshal(get(t, client, "/curve?"+query), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// The curve of an incident has its scope, what is normal, its onset and its trend.
func TestCurveOfAnIncident(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(30*time.Second - time.Duration(time.Now().Second())*time.Second)
		minute := time.Now().Truncate(time.Minute)
		scope := model.Scope{ASNs: []uint32{64501}}
		reader := &fakeReader{incidents: []model.Incident{{ID: 7, App: "shop", Target: "https://shop.example", Outcome: report.TCPReset, Scope: scope,
			Since: minute.Add(-10 * time.Minute), Requests: 100, Expected: 2, Failed: 90}}}
		for i := 30; i > 0; i-- {
			p := model.CurvePoint{At: minute.Add(-time.Duration(i) * time.Minute), OK: 98, Failed: 2}
			switch {
			case i <= 3:
				p.OK, p.Failed = 80, 20
			case i <= 10:
				p.OK, p.Failed = 10, 90
			}
			reader.curve = append(reader.curve, p)
		}
		_, client, stop := virtual(t, Options{Reader: reader})
		defer stop()
		c := askCurve(t, client, "incident=7")
		if len(c.OK) != curveSteps || c.StepSeconds != 60 || c.Normal != 0.02 || c.Incident != 7 {
			t.Errorf("%d columns of %v s, normal %v, incident %d", len(c.OK), c.StepSeconds, c.Normal, c.Incident)
		}
		if c.Trend != api.Recovering || !c.TrendSince.Equal(minute.Add(-2*time.Minute)) || !c.Onset.Equal(minute.Add(-10*time.Minute)) {
			t.Errorf("%s since %v after %v", c.Trend, c.TrendSince, c.Onset)
		}
		if q := reader.lastQuery().(model.CurveQuery); !q.Scope.Equal(scope) || q.Target != "https://shop.example" {
			t.Errorf("asked %+v", q)
		}
		if n := c.Failed[curveSteps-2]; n != 20 {
			t.Errorf("%v failed in the last whole minute, want 20", n)
		}
	})
}

// The curve of a long incident has wider columns, and so shows what was before it.
func TestCurveOfALongIncident(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		i := model.Incident{ID: 7, Target: "collector:c1", App: model.DeliveryApp, Since: now.Add(-10 * time.Hour), Until: now.Add(-6 * time.Hour)}
		reader := &fakeReader{incidents: []model.Incident{i}}
		_, client, stop := virtual(t, Options{Reader: reader})
		defer stop()
		c := askCurve(t, client, "incident=7")
		end := c.Start.Add(time.Duration(curveSteps*c.StepSeconds) * time.Second)
		if !c.Start.Before(i.Since.Add(-30*time.Minute)) || end.Before(i.Until) || end.After(now) {
			t.Errorf("from %v to %v, and the incident was from %v to %v", c.Start, end, i.Since, i.Until)
		}
		if q := reader.lastQuery().(model.CurveQuery); !q.Delivery {
			t.Errorf("asked %+v, want deliveries", q)
		}
	})
}

// A curve of a scope shows no columns of few clients; that of everybody shows all.
func TestCurveOfFewClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		minute := time.Now().Truncate(time.Minute)
		reader := &fakeReader{
			incidents: []model.Incident{{ID: 7, Since: minute, Scope: model.Scope{ASNs: []uint32{64501}}}, {ID: 8, Since: minute, Scope: model.Scope{Versions: []string{"2"}}}},
			curve:     []model.CurvePoint{{At: minute.Add(-time.Minute), OK: 1, Failed: 4, Clients: 4}, {At: minute, OK: 1, Failed: 5, Clients: 5}},
		}
		_, client, stop := virtual(t, Options{Reader: reader, LeastClients: 5})
		defer stop()
		for query, want := range map[string]struct {
			failed     float64
			suppressed int
		}{"incident=7": {5, 1}, "incident=8": {9, 0}, "": {9, 0}} {
			c := askCurve(t, client, query)
			if sum(c.Failed) != want.failed || c.Suppressed != want.suppressed {
				t.Errorf("%q: %v failed, %d columns suppressed, want %+v", query, sum(c.Failed), c.Suppressed, want)
			}
			if q := reader.lastQuery().(model.CurveQuery); q.Clients != (want.suppressed > 0) {
				t.Errorf("%q: asked %+v", query, q)
			}
		}
	})
}

func TestCurveParameters(t *testing.T) {
	_, url := serve(t, Options{Reader: &fakeReader{}})
	for query, want := range map[string]int{
		"": 200, "target=https://shop.example&type=tcp&since=6h": 200, "incident=9": 404, "incident=0": 400, "incident=9&since=1h": 400, "since=90d": 400,
	} {
		if resp, body := fetch(t, url+"/api/v1/curve?"+query); resp.StatusCode != want {
			t.Errorf("%s: %d %s, want %d", query, resp.StatusCode, body, want)
		}
	}
}
