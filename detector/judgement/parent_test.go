package judgement

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// dominated makes a country in which most requests come from one network, and the rest from
// small ones.
func dominated(w *world) string {
	w.networks[1].country = "QQ"
	for i := 300; i < 400; i += 10 {
		w.networks[i].country = "QQ"
	}
	return "QQ"
}

// A country is named as soon as it is clear that it is hit, although nearly all failures come from
// one of its networks, and it is one incident. Where only that network is hit, the network is named.
func TestCountryOfOneLargeNetwork(t *testing.T) {
	t.Parallel()
	w := newWorld(1)
	country, largest := dominated(w), w.networks[1].asn
	for name, c := range map[string]struct {
		hit  func(q *request) bool
		want Scope
	}{
		"the country":              {func(q *request) bool { return q.country == country }, Scope{Country: []string{country}}},
		"a version in the country": {func(q *request) bool { return q.country == country && q.version == "1.4.0" }, Scope{Country: []string{country}, Version: []string{"1.4.0"}}},
		"the network":              {func(q *request) bool { return q.asn == largest }, Scope{ASN: []uint32{largest}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, j := newWorld(1), newJudge(t, Options{})
			w.versions = []float64{0.5, 0.5}
			dominated(w)
			start := learn(t, w, j, 35*time.Minute)
			w.fault = func(_ int64, q *request) {
				if c.hit(q) {
					fails(q, report.HTTPError)
				}
			}
			events := w.run(j, 12*time.Minute)
			showOnFailure(t, start, &events)
			if n := len(ids(events)); n != 1 {
				t.Fatalf("%d incidents", n)
			}
			if e := events[len(events)-1]; !e.Page || !e.Scope[0].equal(&c.want) {
				t.Errorf("page %v, scope %+v", e.Page, e.Scope[0])
			}
		})
	}
}

// A scope that lies in another one for those who are hit is part of the same fault.
func TestLies(t *testing.T) {
	t.Parallel()
	w, j := newWorld(1), newJudge(t, Options{})
	country, largest := dominated(w), w.networks[1].asn
	learn(t, w, j, 20*time.Minute)
	w.fault = func(_ int64, q *request) {
		if q.country == country {
			fails(q, report.HTTPError)
		}
	}
	w.run(j, time.Minute)
	turn := turn{j: j, bin: j.next - 1}
	flows := map[flow]bool{}
	j.recent.each(turn.bin, followBins, func(h *hit, _ float64) { flows[flow{h.pop, h.out}] = true })
	network, inCountry := cuboid{byASN: {largest}}, cuboid{byCountry: {j.names.ids[kindCountry][country]}}
	server := cuboid{byServer: {j.names.ids[kindServer][serverName(3)]}}
	version := cuboid{byVersion: {j.names.ids[kindVersion]["1.4.0"]}}
	for name, c := range map[string]struct {
		scope, in *cuboid
		want      bool
	}{
		"the network in its country":       {&network, &inCountry, true},
		"the country in a server":          {&inCountry, &server, false},
		"the network in nearly everything": {&network, &version, false},
		"the network in everything":        {&network, &cuboid{}, false},
	} {
		if got := turn.lies(turn.hitsOf(flows, c.scope, followBins), c.in, flows); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A review in which others explain everything says nothing, and leaves the scope as it is.
func TestReviewWithoutFailures(t *testing.T) {
	t.Parallel()
	w, j := small(23), newJudge(t, Options{})
	learn(t, w, j, 20*time.Minute)
	w.fault = func(_ int64, q *request) {
		if q.server == serverName(3) {
			fails(q, report.TCPRefused)
		}
	}
	w.run(j, 2*time.Minute)
	if len(j.incidents) != 1 {
		t.Fatalf("%d incidents", len(j.incidents))
	}
	i, other := j.incidents[0], *j.incidents[0]
	other.id++
	j.incidents = append(j.incidents, &other)
	turn := turn{j: j, bin: j.next - 1, end: j.next * j.width}
	if turn.review(i, true); i.scopes[0].everyone() {
		t.Errorf("the scope is %+v", j.scope(&i.scopes[0]))
	}
}

// What corrects the first word is told within half a minute; that it has become worse is told later.
func TestFirstCorrectionIsTold(t *testing.T) {
	t.Parallel()
	everyone, network := Scope{}, Scope{ASN: []uint32{7}}
	old := Incident{Scope: []Scope{everyone}, Severity: 100}
	for name, c := range map[string]struct {
		now   Incident
		later bool
		want  bool
	}{
		"another scope":       {Incident{Scope: []Scope{network}, Severity: 100}, false, true},
		"far worse, soon":     {Incident{Scope: []Scope{everyone}, Severity: 1000}, false, false},
		"far worse, later":    {Incident{Scope: []Scope{everyone}, Severity: 1000}, true, true},
		"hardly worse at all": {Incident{Scope: []Scope{everyone}, Severity: 200}, true, false},
	} {
		if got := newsworthy(&old, &c.now, c.later); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	j := newJudge(t, Options{})
	turn := turn{j: j, bin: 1000}
	i := &incident{}
	for _, wait := range []time.Duration{30 * time.Second, 2 * time.Minute, 4 * time.Minute} {
		if turn.tell(i, Changed, Incident{}); i.later-turn.bin != j.bins(wait) {
			t.Errorf("the next is told after %d bins, want %d", i.later-turn.bin, j.bins(wait))
		}
	}
}

// All values of an attribute are all but for rare ones: all servers but one in twenty are not.
func TestAllValues(t *testing.T) {
	t.Parallel()
	w, j := newWorld(1), newJudge(t, Options{})
	w.fault = func(_ int64, q *request) {
		if q.client%50 == 0 {
			q.os = "" // of which nothing is known
		}
	}
	learn(t, w, j, 20*time.Minute)
	flows := map[flow]bool{}
	for p := range j.order {
		flows[flow{uint16(p), 1}] = true
	}
	l := localiser{t: &turn{j: j, bin: j.next - 1}, flows: flows, window: 6}
	values := func(a attribute) (list []uint32) {
		for _, p := range j.order {
			list = slices.AppendSeq(list, maps.Keys(p.exposures[a]))
		}
		slices.Sort(list)
		return slices.DeleteFunc(slices.Compact(list), func(v uint32) bool { return v == 0 })
	}
	systems, servers := values(byOS), values(byServer)
	if len(systems) < 2 || len(servers) != 20 {
		t.Fatalf("%d systems and %d servers", len(systems), len(servers))
	}
	if !l.all(byOS, systems) || !l.all(byServer, servers) || l.all(byServer, servers[1:]) || l.all(byOS, systems[:1]) {
		t.Errorf("all systems %v, all servers %v, all but one %v, one system %v", l.all(byOS, systems), l.all(byServer, servers), l.all(byServer, servers[1:]), l.all(byOS, systems[:1]))
	}
}
