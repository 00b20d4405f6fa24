package dashboards

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/judge"
	"github.com/heliograph-net/heliograph/report"
)

// fewReader has cells of four and of five clients everywhere. Those of four are marked: their
// target, network or version is "few", 4 or "four".
type fewReader struct{ *fakeReader }

func (fewReader) Totals(_ context.Context, q model.TotalsQuery) ([]model.Total, error) {
	if q.By|q.PickedBy == 0 {
		return []model.Total{{OK: 1, Clients: 1}}, nil
	}
	all := []model.Total{
		{Key: model.Series{App: "many", Target: "many", ASN: 5, Outcome: report.OK}, OK: 5, Clients: 5},
		{Key: model.Series{App: "few", Target: "few", ASN: 4, Outcome: report.TCPReset}, Failed: 4477, Clients: 4},
	}
	all = slices.DeleteFunc(all, func(t model.Total) bool { return t.Key.Only(q.PickedBy) != q.Picked.Only(q.PickedBy) })
	for i := range all {
		all[i].By, all[i].Key = q.By, all[i].Key.Only(q.By)
	}
	return all, nil
}

func (fewReader) Rollups(_ context.Context, q model.RollupQuery) ([]model.Rollup, error) {
	at := time.Now().Truncate(q.Step)
	return []model.Rollup{{At: at, Key: model.RollupKey{Version: "five"}, OK: 5, Clients: 5}, {At: at, Key: model.RollupKey{Version: "four"}, OK: 4477, Clients: 4}}, nil
}

func (fewReader) Latencies(context.Context, model.LatencyQuery) ([]model.LatencyStep, error) {
	return nil, nil
}

func (fewReader) Fingerprints(context.Context, model.FingerprintQuery) ([]model.Fingerprint, error) {
	return []model.Fingerprint{{FirstVersion: "five", Clients: 5}, {FirstVersion: "four", Clients: 4}}, nil
}

// fewDashboard returns the URL of a dashboard that shows cells of five clients and more.
func fewDashboard(t *testing.T) (d *Dashboard, url string) {
	t.Helper()
	servers, err := heatmap.NewTopology([]heatmap.Server{{Name: "a", Address: "192.0.2.1:443"}, {Name: "b", Address: "192.0.2.2:443"}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Minute)
	reader := fewReader{&fakeReader{
		reach: []model.Reach{
			{At: now, ASN: 5, OK: 5, Clients: 5}, {At: now, ASN: 4, Failed: 4477, Clients: 4}, {At: now.Add(-time.Minute), ASN: 5, Failed: 4477, Clients: 4},
		},
		servers: []model.ServerCount{{Server: "192.0.2.1:443", OK: 5, Clients: 5}, {Server: "192.0.2.2:443", OK: 4477, Clients: 4}},
	}}
	return serve(t, Options{Reader: reader, Servers: heatmap.NewMap(servers), LeastClients: 5, Thresholds: thresholds(judge.Thresholds{})})
}

// No answer shows a cell of fewer clients than are configured, and each says how many it leaves
// out. Sums over everybody stay.
func TestCellsOfFewClientsAreNotShown(t *testing.T) {
	_, url := fewDashboard(t)
	for path, suppressed := range map[string]string{
		"totals?by=target,asn": "1", "totals?by=type": "1", "totals": "0", "totals?app=few": "1", "totals?app=many": "0", "totals?by=app&app=few": "1",
		"totals?asn=4": "1", "totals?type=tcp.reset": "1", "totals?target=https://few.example": "1", "history?by=version": "1", "history": "0", "errors": "1",
	} {
		resp, body := fetch(t, url+"/api/v1/"+path)
		if resp.StatusCode != http.StatusOK || resp.Header.Get(api.SuppressedHeader) != suppressed {
			t.Errorf("%s: %s, %q suppressed, want %s", path, resp.Status, resp.Header.Get(api.SuppressedHeader), suppressed)
		}
		if hidden := strings.Contains(path, "=") || path == "errors"; hidden && (strings.Contains(string(body), "few") || strings.Contains(string(body), "4477") || strings.Contains(string(body), "four\"")) {
			t.Errorf("%s shows a cell of four clients: %s", path, body)
		}
	}
	var grid api.Reachability
	_, body := fetch(t, url+"/api/v1/reachability?since=3m&step=1m")
	if err := json.Unmarshal(body, &grid); err != nil {
		t.Fatal(err)
	}
	if len(grid.Origins) != 1 || grid.Origins[0].ASN != 5 || sum(grid.Origins[0].Failed) != 0 || grid.Suppressed != 2 || grid.OriginCount != 2 || sum(grid.All.Failed) != 8954 {
		t.Errorf("the grid is %+v", grid)
	}
	if o := grid.Origins[0]; o.Normal != 0 || o.Excess != 0 {
		t.Errorf("what is not shown makes an excess of %v beyond %v", o.Excess, o.Normal)
	}
	var servers api.Servers
	_, body = fetch(t, url+"/api/v1/servers")
	if err := json.Unmarshal(body, &servers); err != nil {
		t.Fatal(err)
	}
	if a, b := servers.Servers[0], servers.Servers[1]; a.OK == nil || *a.OK != 5 || a.Suppressed || b.OK != nil || b.Failed != nil || !b.Suppressed {
		t.Errorf("the servers are %+v and %+v", a, b)
	}
}

// What the page gets leaves out the same cells.
func TestStreamShowsNoCellsOfFewClients(t *testing.T) {
	d, _ := fewDashboard(t)
	l := d.newLook(t.Context(), time.Now())
	got, err := l.totals()
	if err != nil {
		t.Fatal(err)
	}
	if v := got.(api.Totals); len(v.Networks) != 1 || len(v.Outcomes) != 1 || v.Suppressed != 2 || v.NetworkCount != 2 {
		t.Errorf("totals are %+v", v)
	}
	if v, err := l.reachability(); err != nil || v.(api.Reachability).Suppressed != 2 {
		t.Errorf("reachability is %+v, %v", v, err)
	}
}

// A client of the API gets the history and the causes of errors, and how many rows are not shown.
func TestHistoryAndErrorsByClient(t *testing.T) {
	_, url := fewDashboard(t)
	client, err := api.NewClient(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := client.History(t.Context(), api.HistoryQuery{Since: 2 * time.Hour, Hours: true, By: []api.Dimension{"version"}, App: "shop", Version: "five"})
	if err != nil || h.StepSeconds != 3600 || len(h.Rows) != 1 || *h.Rows[0].Version != "five" || h.Rows[0].OK != 5 || h.Suppressed != 1 || h.LeastClients != 5 {
		t.Errorf("%+v, %v", h, err)
	}
	// what is selected is a part, too; the sums of everybody are shown
	if h, err = client.History(t.Context(), api.HistoryQuery{Since: 2 * time.Hour, Hours: true, Version: "five"}); err != nil || len(h.Rows) != 1 || h.Suppressed != 1 {
		t.Errorf("of a version: %+v, %v", h, err)
	}
	if h, err = client.History(t.Context(), api.HistoryQuery{Since: 2 * time.Hour, Hours: true}); err != nil || len(h.Rows) != 2 || h.Suppressed != 0 {
		t.Errorf("of everybody: %+v, %v", h, err)
	}
	e, err := client.AppErrors(t.Context(), api.AppErrorsQuery{App: "shop", NewIn: "five", Since: time.Hour, Limit: 3})
	if err != nil || len(e.Errors) != 1 || e.Errors[0].FirstVersion != "five" || e.Suppressed != 1 {
		t.Errorf("%+v, %v", e, err)
	}
	for query, parameter := range map[string]string{"history?step=1d": "step", "history?since=3d": "since", "history?by=server": "by", "errors?limit=0": "limit",
		"errors?fingerprint=07": "fingerprint", "errors?fingerprint=zz000000000000000000000000000000": "fingerprint", "errors?until=soon": "until"} {
		if resp, body := fetch(t, url+"/api/v1/"+query); resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), `"parameter":"`+parameter+`"`) {
			t.Errorf("%s: %s %s", query, resp.Status, body)
		}
	}
	if resp, body := fetch(t, url+"/api/v1/gate?app=a&version=2&against=1"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("a gate without a detector: %s %s", resp.Status, body)
	}
	for query, parameter := range map[string]string{"gate?app=a&version=2": "against", "gate?app=a&version=2&against=2": "against", "gate?app=a&version=2&against=1&error=1": "error"} {
		if resp, body := fetch(t, url+"/api/v1/"+query); resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), `"parameter":"`+parameter+`"`) {
			t.Errorf("%s: %s %s", query, resp.Status, body)
		}
	}
}

// The gate's numbers are sums over the clients of a release, too.
func TestGateOfFewClientsShowsNoNumbers(t *testing.T) {
	g := model.Gate{State: model.GateUnknown, Title: "4477 requests", Tests: []model.GateMeasure{{Name: "failures", Requests: 4477}}, Clients: 4}
	_, url := serve(t, Options{Reader: &fakeReader{}, LeastClients: 5, Gate: func(context.Context, model.GateQuery) (model.Gate, error) { return g, nil }})
	resp, body := fetch(t, url+"/api/v1/gate?app=a&version=2&against=1")
	if resp.StatusCode != http.StatusOK || resp.Header.Get(api.SuppressedHeader) != "1" || strings.Contains(string(body), "4477") || !strings.Contains(string(body), `"state":"too_little"`) {
		t.Errorf("%s, %q suppressed: %s", resp.Status, resp.Header.Get(api.SuppressedHeader), body)
	}
	g.Clients = 5
	if _, body := fetch(t, url+"/api/v1/gate?app=a&version=2&against=1"); !strings.Contains(string(body), "4477 requests") {
		t.Errorf("of enough clients: %s", body)
	}
}

// A curve of one outcome or target, and the sum of a grid of one target, are parts, too.
func TestPartsThatAreChosenAreNotShown(t *testing.T) {
	now := time.Now().Truncate(time.Minute)
	reader := &fakeReader{curve: []model.CurvePoint{{At: now, OK: 1, Failed: 4477, Clients: 4}}, reach: []model.Reach{{At: now, ASN: 4, Failed: 4477, Clients: 4}}}
	_, url := serve(t, Options{Reader: reader, LeastClients: 5})
	for path, hidden := range map[string]bool{"curve?type=tcp": true, "curve?target=https://few.example": true, "curve?asn=4": true, "curve": false, "curve?target=collector:c1": false,
		"reachability?since=3m&step=1m&target=https://few.example": true, "reachability?since=3m&step=1m": false} {
		if _, body := fetch(t, url+"/api/v1/"+path); strings.Contains(string(body), "4477") == hidden {
			t.Errorf("%s: %s", path, body)
		}
	}
}
