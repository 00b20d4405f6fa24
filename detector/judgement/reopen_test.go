package judgement

import (
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// A fault that is back within the hour is told with what fails now. The calm in between, when no
// request failed, says nothing about it.
func TestReopenedIncidentTellsOfNow(t *testing.T) {
	t.Parallel()
	w := small(23)
	j := newJudge(t, Options{})
	start := learn(t, w, j, 20*time.Minute)
	asn := w.near(0.05)
	dark := func(_ int64, q *request) {
		if q.asn == asn {
			fails(q, report.TCPTimedOut)
		}
	}
	w.fault = dark
	events := w.run(j, 3*time.Minute)
	w.fault = nil
	events = append(events, w.run(j, 12*time.Minute)...)
	w.fault = dark
	before := len(events)
	events = append(events, w.run(j, 3*time.Minute)...)
	showOnFailure(t, start, &events)
	if len(ids(events)) != 1 || before < 2 || len(events) == before {
		t.Fatalf("%d incidents, %d events before the fault is back and %d after", len(ids(events)), before, len(events)-before)
	}
	if first, again := events[0], events[before]; again.Failed*first.Requests < 0.8*first.Failed*again.Requests {
		t.Errorf("%v of %v requests fail when it is back, and %v of %v did at first", again.Failed, again.Requests, first.Failed, first.Requests)
	}
	for _, e := range events {
		if !e.Scope[0].equal(&Scope{ASN: []uint32{asn}}) {
			t.Errorf("the scope is %+v", e.Scope[0])
		}
	}
}

// An incident that is kept open although nothing stands out any more, since it flapped, goes on to
// be about those who were hit: what fails now is what always does.
func TestCalmSaysNothingAboutWhoIsHit(t *testing.T) {
	t.Parallel()
	w := small(23)
	j := newJudge(t, Options{})
	start := learn(t, w, j, 20*time.Minute)
	w.fault = func(_ int64, q *request) {
		if q.server == serverName(3) {
			fails(q, report.TCPRefused)
		}
	}
	events := w.run(j, 90*time.Second)
	w.fault = nil
	showOnFailure(t, start, &events)
	if len(j.incidents) != 1 {
		t.Fatalf("%d incidents", len(j.incidents))
	}
	i := j.incidents[0]
	i.reopened = 10
	for i.calm < 3 {
		events = append(events, w.run(j, j.o.Bin)...)
	}
	kept := i.kept
	events = append(events, w.run(j, 8*time.Minute)...)
	scope := j.scope(&i.scopes[0])
	if !i.open() || i.calm == 0 || i.kept != kept || !scope.equal(&Scope{Server: []string{serverName(3)}}) {
		t.Errorf("open %v, calm for %d bins, found again %d times, was %d: %+v", i.open(), i.calm, i.kept, kept, scope)
	}
}

// Half of the reports came by a collector that agents have left. That no failures come by it now
// does not make those who reported by it innocent.
func TestWhatIsNotUsedAnyMoreIsNotInnocent(t *testing.T) {
	t.Parallel()
	w := small(29)
	j := newJudge(t, Options{})
	by := func(n int, name string) func(int64, *request) {
		return func(_ int64, q *request) {
			if q.collector = "c2"; int(q.client)%n == 0 {
				q.collector = name
			}
		}
	}
	w.fault = by(2, "c1")
	start := learn(t, w, j, 20*time.Minute)
	w.fault = by(1, "c1")
	events := w.run(j, 20*time.Minute)
	if len(events) > 0 {
		t.Fatalf("%d events in calm", len(events))
	}
	w.fault = func(at int64, q *request) {
		q.collector = "c1"
		if q.server == serverName(4) {
			fails(q, report.TCPRefused)
		}
	}
	events = w.run(j, 15*time.Minute)
	showOnFailure(t, start, &events)
	for _, e := range events {
		if !e.Scope[0].equal(&Scope{Server: []string{serverName(4)}}) {
			t.Errorf("the scope is %+v", e.Scope[0])
		}
	}
	if len(ids(events)) != 1 || pages(events) == 0 {
		t.Errorf("%d incidents, %d events that page", len(ids(events)), pages(events))
	}
}

// An incident that opens again may be about another cause as long as it may when it is new.
func TestReopenedIncidentIsNew(t *testing.T) {
	j := newJudge(t, Options{})
	j.newPopulation(populationKey{1, 1, report.SourceAgent}, nil, 0)
	flows := map[flow]bool{{0, 7}: true}
	i := &incident{flows: flows, scopes: []cuboid{{byServer: {3}}}, firstBin: 1000, from: 1000, kept: keptOften, until: 1}
	i.told.ID = 1
	turn := turn{j: j, bin: 1200}
	turn.reopen(i, 1199)
	if !turn.same(i, &cause{flows: flows, scopes: []cuboid{{byASN: {10}}}, window: 6, began: 1199}) {
		t.Error("what begins with it is taken for another fault")
	}
}
