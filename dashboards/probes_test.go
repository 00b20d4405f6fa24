package dashboards

import (
	"fmt"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// fakeProbes are servers as a detector has them.
type fakeProbes []model.ProbedServer

func (f fakeProbes) Probed(q model.ProbedQuery) (servers []model.ProbedServer, total int) {
	for _, s := range f {
		if (q.Server == "" || q.Server == s.Target.Name) && (q.Reach == "" || q.Reach == s.Reach) {
			if total++; len(servers) < q.Limit {
				servers = append(servers, s)
			}
		}
	}
	return servers, total
}

// refused is how a vantage finds a server down.
func refused(vantage string, asn uint32, at time.Time) model.ProbeResult {
	return model.ProbeResult{
		Vantage: vantage, VantageASN: asn, At: at, Judgement: report.JudgedDown, Outcome: report.TCPRefused,
		Steps:  []model.ProbeStep{{Name: "dns", Took: 1200 * time.Microsecond}, {Name: "connect", Took: 340 * time.Microsecond}},
		Family: 4, Server: "192.0.2.2:443", Version: "0.2.0",
	}
}

// answered is how another finds it up.
func answered(vantage string, asn uint32, at time.Time) model.ProbeResult {
	return model.ProbeResult{
		Vantage: vantage, VantageASN: asn, At: at, Judgement: report.JudgedUp, Outcome: report.OK,
		Steps:  []model.ProbeStep{{Name: "connect", Took: 900 * time.Microsecond}, {Name: "tls", Took: 2 * time.Millisecond}, {Name: "first_byte", Took: 7 * time.Millisecond}},
		Family: 4, Server: "192.0.2.2:443", Protocol: "http/1.1", Status: 200, Version: "0.2.0",
	}
}

// exampleProbed is a server that two of three vantages find down.
func exampleProbed(now time.Time) []model.ProbedServer {
	up := answered("osl-1-77d0", 64503, now.Add(-3*time.Second))
	// a detector keeps these of failures only
	up.Steps, up.Server, up.Family, up.Protocol, up.Status, up.Version = nil, "", 0, "", 0, ""
	began := now.Add(-5 * time.Minute)
	return []model.ProbedServer{{
		Target: model.ProbeTarget{Name: "web-2", Address: "192.0.2.2:443", Kind: "http", DataCentre: "fra", Cluster: "web", Row: "r1"},
		Reach:  model.ProbesGlobal, Since: began,
		Found: []model.Finding{
			{ProbeResult: refused("ams-1-02ba", 64502, now.Add(-9*time.Second)), Began: began, Holds: true},
			{ProbeResult: refused("fra-1-9c41", 64501, now.Add(-4*time.Second)), Began: began, Holds: true},
			{ProbeResult: up, Holds: true},
		},
	}, {
		Target: model.ProbeTarget{Name: "web-1", Kind: "http"}, Reach: model.ProbesUp,
		Found: []model.Finding{{ProbeResult: up, Holds: true}},
	}}
}

// exampleProbes are the results of that server in the store, newest first.
func exampleProbes(now time.Time) []model.ProbeResult {
	began := now.Add(-5 * time.Minute)
	return []model.ProbeResult{
		answered("osl-1-77d0", 64503, now.Add(-3*time.Second)), refused("fra-1-9c41", 64501, now.Add(-4*time.Second)), refused("ams-1-02ba", 64502, now.Add(-9*time.Second)),
		refused("fra-1-9c41", 64501, began), answered("fra-1-9c41", 64501, began.Add(-15*time.Second)), answered("osl-1-77d0", 64503, began.Add(-20*time.Second)),
	}
}

func TestProbes(t *testing.T) {
	now := time.Now()
	reader := &fakeReader{probes: exampleProbes(now)}
	_, url := serve(t, Options{Reader: reader, Probes: fakeProbes(exampleProbed(now))})
	client, err := api.NewClient(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(q api.ProbesQuery) []api.Probed {
		t.Helper()
		all, err := client.Probes(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	all := ask(api.ProbesQuery{})
	if len(all) != 2 || all[0].Why != "tcp.refused in connect (2 of 3 vantages)" || all[1].Why != "" || all[0].Changes != nil || reader.count() != 0 {
		t.Errorf("%+v, after %d queries", all, reader.count())
	}
	if some := ask(api.ProbesQuery{Reach: model.ProbesUp}); len(some) != 1 || some[0].Name != "web-1" {
		t.Errorf("%+v", some)
	}
	if some := ask(api.ProbesQuery{Server: "none"}); len(some) != 0 {
		t.Errorf("%+v", some)
	}
	one := ask(api.ProbesQuery{Server: "web-2", Since: time.Hour})
	if len(one) != 1 || len(one[0].Vantages) != 3 {
		t.Fatalf("%+v", one)
	}
	if v := one[0].Vantages[2]; v.Status != 200 || v.Phase != "first_byte" || len(v.Steps) != 3 || v.Steps[1] != (api.ProbeStep{Name: "tls", MS: 2}) {
		t.Errorf("%+v, want the store's details of an attempt that succeeded", v)
	}
	if v := one[0].Vantages[1]; v.Vantage != "fra-1-9c41" || v.ASN != 64501 || v.Family != 4 || v.Version != "0.2.0" || v.Since.IsZero() || v.Expired {
		t.Errorf("%+v", v)
	}
	if c := one[0].Changes; len(c) != 1 || c[0].Vantage != "fra-1-9c41" || c[0].Judgement != "down" {
		t.Errorf("%+v, want the one change", c)
	}
	if q, ok := reader.lastQuery().(model.ProbeQuery); !ok || q.Target != "web-2" || time.Since(q.Since) < 59*time.Minute {
		t.Errorf("%+v", q)
	}
	resp, body := fetch(t, url+"/api/v1/probes?limit=1")
	if resp.Header.Get("X-Total-Count") != "2" {
		t.Errorf("%v %s", resp.Header, body)
	}
	if resp, _ := fetch(t, url+"/api/v1/probes?reach=sideways"); resp.StatusCode != http.StatusBadRequest {
		t.Error(resp.Status)
	}
	_, alone := serve(t, Options{Reader: reader})
	if _, body := fetch(t, alone+"/api/v1/probes"); string(body) != "[]\n" {
		t.Errorf("without probers: %s", body)
	}
}

func TestWhyDown(t *testing.T) {
	finding := func(judgement report.Judgement, outcome report.Outcome, phase string) api.Finding {
		return api.Finding{Judgement: judgement.String(), Outcome: outcome, Phase: phase}
	}
	expired := finding(report.JudgedDown, report.DNSFailed, "dns")
	expired.Expired = true
	for want, found := range map[string][]api.Finding{
		"": nil,
		"tcp.refused in connect (1 of 1 vantage)": {finding(report.JudgedDown, report.TCPRefused, "connect"), expired, finding(report.JudgedInconclusive, report.DNSUnreachable, "dns")},
		"tcp.refused in connect (2 of 4 vantages), heartbeat.silent (1 of 4 vantages)": {finding(report.JudgedDown, report.HeartbeatSilent, ""),
			finding(report.JudgedDown, report.TCPRefused, "connect"), finding(report.JudgedUp, report.OK, "connect"), finding(report.JudgedDown, report.TCPRefused, "connect")},
	} {
		if got := whyDown(found); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// The changes are those of each vantage, whatever the order in which results arrived.
func TestChangesOfVantages(t *testing.T) {
	now := time.Now()
	at := func(n int) time.Time { return now.Add(-time.Duration(n) * time.Minute) }
	d := &Dashboard{o: Options{NetworkName: func(uint32) string { return "" }}}
	var got []string
	for _, c := range d.changes([]model.ProbeResult{
		answered("a", 1, at(1)), refused("b", 2, at(2)), refused("a", 1, at(3)), answered("b", 2, at(4)), refused("a", 1, at(5)), answered("a", 1, at(6)),
	}) {
		got = append(got, fmt.Sprint(c.Vantage, " ", c.Judgement, " ", int(now.Sub(c.At).Minutes())))
	}
	if want := []string{"a up 1", "b down 2", "a down 5"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
