package detector

import (
	"fmt"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector/vantages"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// failed is how a vantage of its own network finds a target down.
func failed(asn uint32, target string, sec int) model.ProbeResult {
	r := fromNetwork(asn, target, sec, report.JudgedDown)
	r.Outcome, r.Server, r.Family, r.Version = report.TCPRefused, "192.0.2.1:443", 4, "0.2.0"
	r.Steps = []model.ProbeStep{{Name: "connect", Took: time.Millisecond}}
	return r
}

func works(asn uint32, target string, sec int) model.ProbeResult {
	r := fromNetwork(asn, target, sec, report.JudgedUp)
	r.Outcome = report.OK
	return r
}

func TestProbedSaysWhyAndSinceWhen(t *testing.T) {
	m := newTestMap(t)
	m.rule = vantages.Rule{}
	m.take([]model.ProbeResult{works(1, "1", 0), works(2, "1", 0), works(1, "2", 0), works(2, "2", 0), works(1, "3", 0)}, noon)
	for sec := range 3 {
		later := noon.Add(time.Duration(10+sec) * time.Second)
		m.take([]model.ProbeResult{failed(1, "1", 10+sec), works(2, "1", 10+sec), failed(1, "2", 10+sec), failed(2, "2", 10+sec)}, later)
	}
	now := noon.Add(13 * time.Second)
	all, total := m.probed(model.ProbedQuery{Limit: 10}, now)
	names := ""
	for _, s := range all {
		names += fmt.Sprintf("%s:%s ", s.Target.Name, s.Reach)
	}
	if names != "2:global 1:local 3:up " || total != 3 {
		t.Errorf("%s, %d", names, total)
	}
	if some, total := m.probed(model.ProbedQuery{Limit: 1}, now); len(some) != 1 || total != 3 {
		t.Errorf("%d of %d", len(some), total)
	}
	if some, total := m.probed(model.ProbedQuery{Limit: 9, Reach: model.ProbesLocal}, now); len(some) != 1 || total != 1 || some[0].Target.Name != "1" {
		t.Errorf("%+v of %d", some, total)
	}
	some, _ := m.probed(model.ProbedQuery{Server: "2"}, now)
	if len(some) != 1 || len(some[0].Found) != 2 || !some[0].Since.Equal(noon.Add(10*time.Second)) {
		t.Fatalf("%+v", some)
	}
	f := some[0].Found[0]
	if f.Outcome != report.TCPRefused || f.Ended() != "connect" || f.Server != "192.0.2.1:443" || f.Family != 4 || f.Version != "0.2.0" || !f.Holds || !f.Began.Equal(noon.Add(10*time.Second)) {
		t.Errorf("%+v", f)
	}
	if some, _ = m.probed(model.ProbedQuery{Server: "2"}, now.Add(time.Hour)); some[0].Found[0].Holds {
		t.Error("what was found an hour ago holds")
	}
	if none, total := m.probed(model.ProbedQuery{Server: "4"}, now); len(none)+total != 0 {
		t.Errorf("%+v of %d", none, total)
	}
}

// After a restart only the latest results are known; when it began is in the store.
func TestProbedSinceWhenAfterARestart(t *testing.T) {
	m := newTestMap(t)
	m.take([]model.ProbeResult{failed(1, "1", 60), works(2, "1", 60)}, noon.Add(time.Minute))
	if names := m.undated(); len(names) != 1 || names[0] != "1" {
		t.Fatalf("%q", names)
	}
	m.targets["1"].dateBack([]model.ProbeResult{failed(1, "1", 60), works(2, "1", 60), failed(1, "1", 45), works(2, "1", 45), failed(1, "1", 30), works(1, "1", 15), failed(1, "1", 0)})
	some, _ := m.probed(model.ProbedQuery{Server: "1"}, noon.Add(time.Minute))
	if !some[0].Since.Equal(noon.Add(30*time.Second)) || !some[0].Found[0].Began.Equal(noon.Add(30*time.Second)) || !some[0].Found[1].Began.Equal(noon.Add(45*time.Second)) {
		t.Errorf("%+v", some[0])
	}
}
