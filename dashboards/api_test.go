package dashboards

import (
	"encoding/json"
	"fmt"
	"net/http"
	neturl "net/url"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

func names(asn uint32) string {
	if asn == 64501 {
		return "Northnet"
	}
	return ""
}

func TestTotals(t *testing.T) {
	byTypeASN := model.DimensionsOf(model.ByOutcome, model.ByASN)
	reader := &fakeReader{totals: []model.Total{
		{Key: model.Series{Outcome: "tcp.reset", ASN: 64501}, By: byTypeASN, Failed: 12.34567, Clients: 4},
		{Key: model.Series{Outcome: "ok", ASN: 64502}, By: byTypeASN, OK: 20, Clients: 9},
		{Key: model.Series{Outcome: "ok"}, By: byTypeASN, OK: 1},
	}}
	_, url := serve(t, Options{Reader: reader, NetworkName: names})
	wantJSON(t, url+"/api/v1/totals?since=5m&by=type,asn", `[
		{"type":"tcp.reset","asn":64501,"as_name":"Northnet","ok":0,"failed":12.346,"clients":4},
		{"type":"ok","asn":64502,"ok":20,"failed":0,"clients":9},
		{"type":"ok","asn":0,"ok":1,"failed":0,"clients":0}]`)
	q := reader.lastQuery().(model.TotalsQuery)
	if age := time.Since(q.Since); age < 5*time.Minute || age > 6*time.Minute || q.By != byTypeASN || q.Delivery {
		t.Errorf("asked for %+v", q)
	}
	resp := wantJSON(t, url+"/api/v1/totals?by=type,asn&limit=1",
		`[{"type":"tcp.reset","asn":64501,"as_name":"Northnet","ok":0,"failed":12.346,"clients":4}]`)
	if got := resp.Header.Get("X-Total-Count"); got != "3" {
		t.Errorf("X-Total-Count %q, want 3", got)
	}
}

func TestTotalsOfEveryDimension(t *testing.T) {
	reader := &fakeReader{totals: []model.Total{{By: model.AllDimensions, Key: model.Series{Outcome: "http.error", App: "shop",
		Target: "https://shop.example", ASN: 7, Country: "DE", Server: "192.0.2.1:443", Status: 503, Source: report.SourceBrowser}, Failed: 1, Clients: 1}}}
	_, url := serve(t, Options{Reader: reader})
	wantJSON(t, url+"/api/v1/totals?by=type,app,target,asn,country,server,protocol,status,source", `[{
		"type":"http.error","app":"shop","target":"https://shop.example","asn":7,"country":"DE","server":"192.0.2.1:443",
		"protocol":"","status":503,"source":"browser","ok":0,"failed":1,"clients":1}]`)
}

// Totals may be of one application, status and source, which the store selects.
func TestTotalsOfOneApplication(t *testing.T) {
	reader := &fakeReader{totals: []model.Total{{By: model.DimensionsOf(model.ByOutcome), Key: model.Series{Outcome: "http.error"}, Failed: 5, Clients: 7}}}
	_, url := serve(t, Options{Reader: reader})
	wantJSON(t, url+"/api/v1/totals?by=type&app=shop&status=503&source=browser", `[{"type":"http.error","ok":0,"failed":5,"clients":7}]`)
	q := reader.lastQuery().(model.TotalsQuery)
	if q.By != model.DimensionsOf(model.ByOutcome) || q.PickedBy != model.DimensionsOf(model.ByApp, model.ByStatus, model.BySource) ||
		q.Picked != (model.Series{App: "shop", Status: 503, Source: report.SourceBrowser}) {
		t.Errorf("asked %+v", q)
	}
	for _, bad := range []string{"source=prober", "status=1000", "status=x"} {
		if resp, _ := fetch(t, url+"/api/v1/totals?"+bad); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s", bad, resp.Status)
		}
	}
}

func TestEmptyAnswersAreArrays(t *testing.T) {
	_, url := serve(t, Options{Reader: &fakeReader{}})
	for _, path := range []string{"totals", "totals?by=type", "reports", "incidents"} {
		wantJSON(t, url+"/api/v1/"+path, `[]`)
	}
}

func TestReports(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 3, 10, 123_456_789, time.FixedZone("CET", 3600))
	reader := &fakeReader{samples: []model.Sample{
		{
			At: at, App: "shop", Version: "1.2", OS: "linux", Source: report.SourceAgent, Target: "https://shop.example",
			URL: "https://shop.example/orders/:id", Method: "GET", Outcome: report.TCPReset, Phase: report.PhaseConnection,
			Protocol: "h2", Server: "192.0.2.1:443", Elapsed: 1500 * time.Microsecond, TraceID: [16]byte{0xab, 15: 1},
			ASN: 64501, Country: "DE",
		},
		{At: at, App: "shop", Source: report.SourceBrowser, Target: "https://shop.example", URL: "https://shop.example/",
			Method: "POST", Outcome: report.HTTPError, Status: 503},
	}}
	_, url := serve(t, Options{Reader: reader, NetworkName: names})
	wantJSON(t, url+"/api/v1/reports?type=tcp&target=https://shop.example&since=2h&limit=7", `[
		{"at":"2026-11-22T11:03:10.123Z","type":"tcp.reset","phase":"connection","app":"shop","version":"1.2","os":"linux","source":"agent",
		 "target":"https://shop.example","method":"GET","url":"https://shop.example/orders/:id","protocol":"h2","server":"192.0.2.1:443",
		 "asn":64501,"as_name":"Northnet","country":"DE","elapsed_ms":1,"trace_id":"ab000000000000000000000000000001"},
		{"at":"2026-11-22T11:03:10.123Z","type":"http.error","app":"shop","source":"browser","target":"https://shop.example",
		 "method":"POST","url":"https://shop.example/","status":503,"asn":0,"elapsed_ms":0}]`)
	_, linked := serve(t, Options{Reader: reader, TraceURL: "https://traces.example/{trace_id}?of={trace_id}"})
	var rows []struct {
		URL string `json:"trace_url"`
	}
	if _, body := fetch(t, linked+"/api/v1/reports?type=tcp&target=https://shop.example&since=2h&limit=7"); json.Unmarshal(body, &rows) != nil || len(rows) != 2 {
		t.Fatalf("reports are %s", body)
	}
	if want := "https://traces.example/ab000000000000000000000000000001?of=ab000000000000000000000000000001"; rows[0].URL != want || rows[1].URL != "" {
		t.Errorf("traces at %q and %q, want %q and none", rows[0].URL, rows[1].URL, want)
	}
	q := reader.lastQuery().(model.SampleQuery)
	if _, body := fetch(t, url+"/api/v1/reports?q="+neturl.QueryEscape(`asn:64501 "timed out"`)); !strings.Contains(string(body), "Northnet") {
		t.Errorf("searched reports are %s", body)
	}
	if q := reader.lastQuery().(model.SampleQuery); q.Text != `asn:64501 "timed out"` {
		t.Errorf("searched for %q", q.Text)
	}
	if resp, body := fetch(t, url+"/api/v1/reports?q=%22open"); resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "second quotation mark") {
		t.Errorf("a search that is not one: %d %s", resp.StatusCode, body)
	}
	if q.Type != "tcp" || q.Target != "https://shop.example" || q.Limit != 7 || time.Since(q.Since).Round(time.Minute) != 2*time.Hour {
		t.Errorf("asked for %+v", q)
	}
}

func TestIncidents(t *testing.T) {
	since := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	reader := &fakeReader{incidents: []model.Incident{
		{
			ID: 2, App: "shop", Target: "https://shop.example", Outcome: report.TCPReset, Also: []report.Outcome{report.TCPClosed},
			Verdict: model.NetworkPath, Page: true, Share: 0.75, Reopened: 1, Severity: 118.5, Buckets: 17, Networks: 2,
			Scope: model.Scope{ASNs: []uint32{64501, 64502}, Versions: []string{"1.2"}, Systems: []string{"ios"}, Protocols: []string{"h3"}, Statuses: []uint16{503},
				Collectors: []string{"c1"}},
			Others: []model.Scope{{Countries: []string{"SE"}}}, Since: since, Failed: 120, Requests: 130, Expected: 1.23456, Clients: 30,
			Title: "Connections from Northnet are reset", Evidence: []model.Signal{{Code: model.SignalExcess, Text: "120 of 130 failed"}},
		},
		{ID: 1, App: "shop", Target: "https://shop.example", Outcome: report.TCPRefused, Verdict: model.Forged, Page: true, Late: true, Scope: model.Scope{Servers: []string{"192.0.2.1:443"}},
			Since: since.Add(-time.Hour), Until: since.Add(-time.Minute), Title: "192.0.2.1:443 refuses"},
	}}
	_, url := serve(t, Options{Reader: reader, NetworkName: names})
	wantJSON(t, url+"/api/v1/incidents?since=3h", `[
		{"id":2,"title":"Connections from Northnet are reset","app":"shop","target":"https://shop.example","outcome":"tcp.reset",
		 "also":["tcp.closed"],"verdict":"network_path","page":true,"late":false,
		 "scope":{"networks":[{"asn":64501,"as_name":"Northnet"},{"asn":64502}],"countries":[],"servers":[],"versions":["1.2"],"systems":["ios"],"protocols":["h3"],"statuses":[503],"collectors":["c1"]},
		 "others":[{"networks":[],"countries":["SE"],"servers":[],"versions":[],"systems":[],"protocols":[],"statuses":[],"collectors":[]}],"share":0.75,
		 "since":"2026-11-22T12:00:00Z","reopened":1,"severity":118.5,"failed":120,"requests":130,"expected":1.235,"clients":30,"buckets":17,"networks":2,
		 "evidence":["120 of 130 failed"],"signals":[{"code":"excess","text":"120 of 130 failed"}]},
		{"id":1,"title":"192.0.2.1:443 refuses","app":"shop","target":"https://shop.example","outcome":"tcp.refused","also":[],
		 "verdict":"forged","page":false,"late":true,
		 "scope":{"networks":[],"countries":[],"servers":["192.0.2.1:443"],"versions":[],"systems":[],"protocols":[],"statuses":[],"collectors":[]},
		 "others":[],"share":0,"since":"2026-11-22T11:00:00Z","until":"2026-11-22T11:59:00Z","reopened":0,"severity":0,
		 "failed":0,"requests":0,"expected":0,"clients":0,"buckets":0,"networks":0,"evidence":[],"signals":[]}]`)
	if age := time.Since(reader.lastQuery().(time.Time)).Round(time.Minute); age != 3*time.Hour {
		t.Errorf("asked for the last %v, want 3h", age)
	}
}

func TestReachability(t *testing.T) {
	reader := &fakeReader{}
	d, url := serve(t, Options{Reader: reader, NetworkName: names})
	now := time.Now()
	start := now.Truncate(time.Minute).Add(-2 * time.Minute)
	reader.set(func(f *fakeReader) {
		f.reach = []model.Reach{
			{At: start, ASN: 64501, OK: 10},
			{At: start, ASN: 64502, OK: 50},
			{At: start.Add(2 * time.Minute), ASN: 64501, OK: 1, Failed: 9},
			{At: start.Add(3 * time.Minute), ASN: 64501, OK: 99}, // after the last column
			{At: start.Add(-time.Minute), ASN: 64501, OK: 99},    // before the first
		}
	})
	grid, err := d.grid(t.Context(), now, time.Minute, 3, 10)
	if err != nil {
		t.Fatal(err)
	}
	if !grid.Start.Equal(start) {
		t.Errorf("starts at %v, want %v", grid.Start, start)
	}
	var origins []string
	for _, o := range grid.Origins {
		origins = append(origins, fmt.Sprint(o.Network, o.Columns))
	}
	if got, want := strings.Join(origins, " "), "{64501 Northnet} {[10 0 1] [0 0 9]} {64502 } {[50 0 0] [0 0 0]}"; got != want {
		t.Errorf("origins %s\nwant %s", got, want)
	}
	if got, want := fmt.Sprint(grid.All), "{[60 0 1] [0 0 9]}"; got != want {
		t.Errorf("all %s, want %s", got, want)
	}
	cut, err := d.grid(t.Context(), now, time.Minute, 3, 1)
	if err != nil || len(cut.Origins) != 1 || cut.Origins[0].ASN != 64501 || cut.OriginCount != 2 {
		t.Errorf("a limit of one origin keeps %+v (%v), want the one that fails, and the count", cut.Origins, err)
	}
	resp, body := fetch(t, url+"/api/v1/reachability?since=10m&step=30s")
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), `"step_seconds":30,"steps":20,"all":{"ok":[`) {
		t.Errorf("%s %s", resp.Status, body)
	}
	if q := reader.lastQuery().(model.ReachQuery); q.Step != 30*time.Second || q.Countries || !q.Until.IsZero() {
		t.Errorf("asked for %+v", q)
	}
}

// The grid may be by country, of a past time and in the order of what fails beyond what is normal.
func TestReachabilityByCountryAndExcess(t *testing.T) {
	reader := &fakeReader{}
	_, url := serve(t, Options{Reader: reader})
	until := time.Date(2026, 11, 30, 12, 5, 0, 0, time.UTC)
	cell := func(minute int, country string, ok, failed float64) model.Reach {
		return model.Reach{At: until.Add(time.Duration(minute-5) * time.Minute), Country: country, OK: ok, Failed: failed}
	}
	reader.set(func(f *fakeReader) {
		f.reach = []model.Reach{
			cell(1, "DE", 990, 10), cell(2, "DE", 995, 5), // busy, and as always
			// fails
			cell(1, "FR", 19, 1), cell(2, "FR", 19, 1), cell(3, "FR", 2, 8), cell(4, "FR", 0, 10),
			cell(1, "IT", 90, 0), cell(2, "IT", 50, 40), cell(3, "IT", 90, 0), // failed
		}
	})
	var grid api.Reachability
	_, body := fetch(t, url+"/api/v1/reachability?by=country&order=excess&since=5m&step=1m&until=2026-11-30T12:05:00Z&target=https://a.test&limit=3")
	if err := json.Unmarshal(body, &grid); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	got := ""
	for _, o := range grid.Origins {
		got += fmt.Sprintf("%s %v %v, ", o.Country, o.Normal, o.Excess)
	}
	if want := "IT 0.148148 26.667, FR 0.05 17, DE 0.0075 2.5, "; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	q := reader.lastQuery().(model.ReachQuery)
	if !q.Countries || q.Target != "https://a.test" || !q.Until.Equal(until) || !q.Since.Equal(until.Add(-4*time.Minute)) {
		t.Errorf("asked for %+v", q)
	}
}

// Totals, samples and curves may be of a past time, and of some networks, countries, servers and
// protocols.
func TestQueriesOfAPastTimeAndAPlace(t *testing.T) {
	reader := &fakeReader{}
	_, url := serve(t, Options{Reader: reader})
	until := time.Now().Add(-time.Hour).Truncate(time.Second).UTC()
	query := "?since=30m&until=" + until.Format(time.RFC3339) + "&asn=0&country=DE&server=192.0.2.1:443&protocol=h2"
	scope := model.Scope{ASNs: []uint32{0}, Countries: []string{"DE"}, Servers: []string{"192.0.2.1:443"}, Protocols: []string{"h2"}}
	for _, path := range []string{"totals", "reports", "curve"} {
		if resp, body := fetch(t, url+"/api/v1/"+path+query); resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s %s", path, resp.Status, body)
		}
		var from, end time.Time
		var in model.Scope
		switch q := reader.lastQuery().(type) {
		case model.TotalsQuery:
			from, end, in = q.Since, q.Until, q.Scope
		case model.SampleQuery:
			from, end, in = q.Since, q.Until, q.Scope
		case model.CurveQuery:
			from, end, in = until.Add(-30*time.Minute), q.Until, q.Scope // its columns begin before
		}
		if !from.Equal(until.Add(-30*time.Minute)) || !end.Equal(until) || !in.Equal(scope) {
			t.Errorf("%s asks from %v until %v within %+v", path, from, end, in)
		}
	}
	for path, parameter := range map[string]string{"totals?asn=AS1": "asn", "reports?until=soon": "until", "curve?incident=1&country=DE": "incident"} {
		resp, body := fetch(t, url+"/api/v1/"+path)
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), `"parameter":"`+parameter+`"`) {
			t.Errorf("%s: %s %s", path, resp.Status, body)
		}
	}
}
