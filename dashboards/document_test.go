package dashboards

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"text/template"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/dashboards/internal/schema"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/judge"
	"github.com/heliograph-net/heliograph/report"
)

var update = flag.Bool("update", false, "write docs/api.md")

// docRoute is a route as shown in the document.
type docRoute struct {
	Path, Anchor, Does, Answer, Example string
	Params                              []docParam
}

type docParam struct{ Name, Absent, Is string }

// TestAPIDocument checks docs/api.md against the routes, the types and real answers of the API.
func TestAPIDocument(t *testing.T) {
	types, err := schema.Parse("api")
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	synctest.Test(t, func(t *testing.T) { writeDocument(t, &want, types) })
	const name = "../docs/api.md"
	if *update {
		if err := os.WriteFile(name, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want.Bytes()) {
		t.Errorf("%s is not what the API is; run go test ./dashboards -run TestAPIDocument -update", name)
	}
}

func writeDocument(t *testing.T, out io.Writer, types []schema.Type) {
	at := time.Date(2026, 11, 22, 12, 3, 30, 0, time.UTC)
	time.Sleep(time.Until(at)) // no time passes in a bubble
	d, client, stop := virtual(t, exampleOptions(t, at))
	defer stop()
	d.boot = "5be1f3c29a0d4e77"
	var routes []docRoute
	for _, r := range routeTable {
		path := api.Root + r.path
		doc := docRoute{Path: path, Anchor: "get-" + strings.NewReplacer("/", "", ".", "").Replace(path), Does: r.does, Answer: linked(r.answer, types)}
		for _, p := range r.params {
			doc.Params = append(doc.Params, docParam{p.name, p.absent, p.is})
		}
		doc.Example = example(t, client, r)
		routes = append(routes, doc)
	}
	tmpl, err := template.New("api.md.tmpl").Funcs(template.FuncMap{
		"lower": strings.ToLower,
		"typed": func(f schema.Field) string {
			if f.Nullable {
				return linked(f.Type, types) + " or null"
			}
			return linked(f.Type, types)
		},
	}).ParseFiles("testdata/api.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	err = tmpl.Execute(out, map[string]any{
		"Routes": routes, "Types": types, "Timeout": queryTimeout,
		"ErrorExample": fenced("GET "+api.Root+"/totals?since=1w", indented(t, get(t, client, "/totals?since=1w"))),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// linked returns the name of a type for the document, such as "list of [Total](#total)".
func linked(typed string, types []schema.Type) string {
	name, isList := strings.CutSuffix(typed, "[]")
	for _, known := range types {
		if known.Name == name {
			name = fmt.Sprintf("[%s](#%s)", name, strings.ToLower(name))
		}
	}
	if isList {
		return "list of " + name
	}
	return name
}

// example returns the answer to the route's example, or "" if the answer is not text.
func example(t *testing.T, client *http.Client, r route) string {
	path := api.Root + r.path
	if r.example != "" {
		path += "?" + r.example
	}
	switch {
	case r.endless:
		stream := openSections(t, client, "http://localhost", strings.TrimPrefix(r.example, "sections="))
		defer stream.close()
		name, data, _ := stream.next()
		return fenced("GET "+path, "event: "+name+"\ndata: "+data+"\n")
	case strings.HasPrefix(r.answer, "image/"):
		return ""
	case r.answer == "text/markdown":
		return ""
	case strings.HasPrefix(r.answer, "application/"):
		return fenced("GET "+path, fmt.Sprintf("byte 0: %08b\n", get(t, client, strings.TrimPrefix(path, api.Root))[0]))
	default:
		return fenced("GET "+path, indented(t, get(t, client, strings.TrimPrefix(path, api.Root))))
	}
}

func fenced(request, answer string) string {
	return "```\n" + request + "\n\n" + strings.TrimSpace(answer) + "\n```"
}

func get(t *testing.T, client *http.Client, path string) []byte {
	resp, err := client.Get("http://localhost" + api.Root + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func indented(t *testing.T, body []byte) string {
	var out bytes.Buffer
	if err := json.Indent(&out, body, "", "  "); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return numbers.ReplaceAllStringFunc(out.String(), func(list string) string { return strings.Join(strings.Fields(list), "") })
}

// numbers matches lists of numbers, which are put on one line.
var numbers = regexp.MustCompile(`\[[\s\d,.]+\]`)

// exampleReader answers queries for totals according to their dimensions.
type exampleReader struct{ *fakeReader }

func (e exampleReader) Totals(ctx context.Context, q model.TotalsQuery) ([]model.Total, error) {
	if q.Delivery {
		return nil, nil
	}
	all := []model.Total{
		{Key: model.Series{Outcome: report.TCPReset, ASN: 64501, Target: "https://shop.example"}, Failed: 41, Clients: 31},
		{Key: model.Series{Outcome: report.OK, ASN: 64501, Target: "https://shop.example"}, OK: 4, Clients: 2},
		{Key: model.Series{Outcome: report.OK, ASN: 64502, Target: "https://shop.example"}, OK: 380, Clients: 77},
	}
	for i := range all {
		all[i].Key, all[i].By = all[i].Key.Only(q.By), q.By
	}
	if q.By == model.DimensionsOf(model.ByASN) {
		return all[1:], nil
	}
	return all, nil
}

func (e exampleReader) Rollups(_ context.Context, q model.RollupQuery) ([]model.Rollup, error) {
	at := time.Now().Truncate(q.Step)
	return []model.Rollup{
		{At: at, Key: model.RollupKey{Version: "1.4.2", ASN: 64501}, OK: 940, Failed: 5, Reports: 71, Clients: 60},
		{At: at, Key: model.RollupKey{Version: "1.5.0", ASN: 64501}, OK: 80, Failed: 19, Reports: 42, Clients: 31},
	}, nil
}

func (e exampleReader) Latencies(context.Context, model.LatencyQuery) ([]model.LatencyStep, error) {
	return nil, nil
}

func (e exampleReader) Fingerprints(context.Context, model.FingerprintQuery) ([]model.Fingerprint, error) {
	now := time.Now()
	return []model.Fingerprint{{App: "shop", Fingerprint: [16]byte{0x5b, 0xe1}, Type: "runtime.boundsError", Outcome: report.AppPanic, First: now.Add(-time.Hour),
		Last: now.Add(-time.Minute), FirstVersion: "1.5.0", LastVersion: "1.5.0", Errors: 12, Clients: 9}}, nil
}

// exampleOptions returns options for a service that one network cannot reach.
func exampleOptions(t *testing.T, now time.Time) Options {
	servers, err := heatmap.NewTopology([]heatmap.Server{
		{Name: "web-1", Address: "192.0.2.1:443", DataCentre: "fra", Cluster: "web", Row: "r1"},
		{Name: "web-2", Address: "192.0.2.2:443", DataCentre: "fra", Cluster: "web", Row: "r1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	states := heatmap.NewMap(servers)
	states.Set(0, heatmap.Up, now.Add(-2*time.Hour))
	states.Set(1, heatmap.Down, now.Add(-5*time.Minute))
	minute := now.Truncate(time.Minute)
	reader := &fakeReader{
		samples: []model.Sample{{
			At: now.Add(-9 * time.Second), App: "shop", Version: "1.2", OS: "linux", Source: report.SourceAgent, Target: "https://shop.example",
			URL: "https://shop.example/orders/:id", Method: "GET", Outcome: report.TCPReset, Phase: report.PhaseConnection,
			Server: "192.0.2.1:443", Elapsed: 1500 * time.Millisecond, ASN: 64501, Country: "DE",
		}},
		incidents: []model.Incident{{
			ID: 2, App: "shop", Target: "https://shop.example", Outcome: report.TCPReset, Verdict: model.NetworkPath, Page: true, Scope: model.Scope{ASNs: []uint32{64501}},
			Since: minute.Add(-time.Minute), Failed: 41, Requests: 45, Expected: 0.4, Clients: 31,
			Title: "tcp.reset for https://shop.example from AS64501 (Northnet): 41 of 45 requests fail, 31 clients",
			Evidence: []model.Signal{
				{Code: model.SignalExcess, Text: "41 of 45 requests failed where 0.4 were to be expected"},
				{Code: model.SignalProbesAnswer, Text: "probes reach 1 server concerned: look at the path"},
			},
		}},
		reach: []model.Reach{
			{At: minute.Add(-2 * time.Minute), ASN: 64501, OK: 4}, {At: minute.Add(-2 * time.Minute), ASN: 64502, OK: 200},
			{At: minute.Add(-time.Minute), ASN: 64501, Failed: 41}, {At: minute.Add(-time.Minute), ASN: 64502, OK: 180},
		},
		curve: []model.CurvePoint{
			{At: minute.Add(-2 * time.Minute), OK: 4}, {At: minute.Add(-time.Minute), Failed: 41},
		},
		servers: []model.ServerCount{{Server: "192.0.2.1:443", OK: 384, Failed: 41}},
		probes:  exampleProbes(now),
	}
	return Options{Reader: exampleReader{reader}, Gate: gateOf, Servers: states, Probes: fakeProbes(exampleProbed(now)), NetworkName: names, Objectives: objectives, Parts: parts, Installation: &installation{},
		Consents: func() api.Consents {
			return api.Consents{Since: now.Add(-6 * time.Hour).UTC(), Counts: 5120, Diagnostics: 804, Withdrawn: 3}
		},
		Thresholds: thresholds(judge.Thresholds{Clients: 24, Failures: 10})}
}

// parts returns a detector that reads a collector that is down.
func parts() []model.Part {
	return []model.Part{
		{Kind: model.PartDetector, State: model.PartWorks},
		{Kind: model.PartCollector, Name: "c1", State: model.PartFails, Since: time.Date(2026, 11, 22, 12, 1, 40, 0, time.UTC),
			Text: "the feed of c1 cannot be read: connection refused; see whether the collector runs and can be reached"},
	}
}

// gateOf returns a release that is worse.
func gateOf(context.Context, model.GateQuery) (model.Gate, error) {
	return model.Gate{State: model.GateWorse, Title: "shop 1.5.0 is worse than 1.4.2: 2.1 more failures in a hundred requests (0.4 to 3.9); mostly http.error",
		For: []string{"http.error"}, Tests: []model.GateMeasure{
			{Name: "failures", State: model.GateWorse, Requests: 9100, AgainstRequests: 70200, Troubles: 310, AgainstTroubles: 905, Difference: 0.021, Low: 0.004, High: 0.039},
			{Name: "application_errors", State: model.GateHealthy, Requests: 9100, AgainstRequests: 70200, Troubles: 2, AgainstTroubles: 20, Difference: -0.0001, Low: -0.002, High: 0.0018},
		}}, nil
}

// objectives returns one objective that is about to be missed.
func objectives() []model.ObjectiveStatus {
	return []model.ObjectiveStatus{{
		Objective: model.Objective{Target: "https://shop.example", Share: 0.999}, Requests: 1.2e6, Failed: 420, BudgetLeft: 0.65,
		Burn:  []model.BurnRate{{Window: 5 * time.Minute, Rate: 96.5}, {Window: time.Hour, Rate: 16.2}, {Window: 30 * 24 * time.Hour, Rate: 0.35}},
		Alert: model.ObjectivePage,
		Why:   "1.62 % of the requests of an hour failed where 0.1 % may: the budget of 30 days lasts 44 hours at this rate",
	}}
}
