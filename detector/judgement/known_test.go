package judgement

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// small is a world that is quick to simulate: 200 networks, the largest with a tenth.
func small(seed uint64) *world {
	w := newWorld(seed)
	w.networks, w.cum = nil, nil
	w.zipf(200, 0.1)
	w.rate = 50
	return w
}

// learn passes calm time, in which nothing may be told.
func learn(t *testing.T, w *world, j *Judge, d time.Duration) (start int64) {
	t.Helper()
	for _, e := range w.run(j, d) {
		t.Errorf("calm: %s %v %+v", e.Kind, e.Verdict, e.Scope)
	}
	return w.second * 1000
}

func ids(events []Event) []ID {
	var all []ID
	for _, e := range events {
		all = append(all, e.ID)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func pages(events []Event) (n int) {
	for _, e := range events {
		if e.Page {
			n++
		}
	}
	return n
}

func showOnFailure(t *testing.T, start int64, events *[]Event) {
	t.Cleanup(func() {
		if t.Failed() {
			show(t, start, *events)
		}
	})
}

// A cold start with many requests, and hours of calm after it, alert nobody.
func TestCalm(t *testing.T) {
	t.Parallel()
	w := small(11)
	w.rate = 300
	j := newJudge(t, Options{})
	events := w.run(j, 15*time.Minute)
	w.rate = 50
	events = append(events, w.run(j, 3*time.Hour)...)
	if n := pages(events); n > 0 {
		t.Errorf("%d pages", n)
		show(t, worldStart, events)
	}
}

// A fault that comes and goes every two minutes is one incident, which is told a few times.
func TestFlapping(t *testing.T) {
	t.Parallel()
	w := small(12)
	j := newJudge(t, Options{})
	start := learn(t, w, j, 20*time.Minute)
	w.fault = func(at int64, q *request) {
		if q.server == serverName(4) && (at-start)/120_000%2 == 0 {
			fails(q, report.TCPRefused)
		}
	}
	events := w.run(j, 40*time.Minute)
	showOnFailure(t, start, &events)
	if len(ids(events)) != 1 || pages(events) == 0 {
		t.Errorf("%d incidents", len(ids(events)))
	}
	if len(events) > 14 { // of 20 that 10 periods would make
		t.Errorf("%d events", len(events))
	}
}

// A service that fails for some minutes while a network is cut off anyway is back when it is back,
// and the network is not.
func TestServiceIsBackBeforeANetworkIs(t *testing.T) {
	t.Parallel()
	w := small(19)
	j := newJudge(t, Options{})
	start := learn(t, w, j, 20*time.Minute)
	asn := w.near(0.05)
	dark := func(_ int64, q *request) {
		if q.asn == asn {
			fails(q, report.TCPTimedOut)
		}
	}
	w.fault = dark
	events := w.run(j, 8*time.Minute)
	w.fault = func(_ int64, q *request) { fails(q, report.TCPTimedOut) }
	events = append(events, w.run(j, 5*time.Minute)...)
	w.fault = dark
	back := w.second * 1000
	events = append(events, w.run(j, 10*time.Minute)...)
	showOnFailure(t, start, &events)
	if len(ids(events)) != 2 {
		t.Fatalf("%d incidents, want one of the network and one of the service", len(ids(events)))
	}
	over := map[ID]int64{}
	for _, e := range events {
		if over[e.ID] = e.Until; e.Kind == Cleared && e.Judged-back > 6*60_000 {
			t.Errorf("#%d is over %d s after the service is back", e.ID, (e.Judged-back)/1000)
		}
	}
	if network, service := events[0].ID, ids(events)[1]; over[network] != 0 || over[service] == 0 || over[service] > back+4*60_000 {
		t.Errorf("the network's incident is over at %d, the service's at %d, and the service is back at %d", over[network], over[service], back)
	}
}

// When forty targets fail at once it is one incident.
func TestManyTargets(t *testing.T) {
	t.Parallel()
	w := small(13)
	w.targets = 40
	j := newJudge(t, Options{})
	start := learn(t, w, j, 20*time.Minute)
	w.fault = func(at int64, q *request) { fails(q, report.TCPTimedOut) }
	events := w.run(j, 5*time.Minute)
	showOnFailure(t, start, &events)
	if len(ids(events)) != 1 || pages(events) == 0 || events[0].Verdict != model.ServiceDown {
		t.Errorf("%d incidents", len(ids(events)))
	}
}

// A network with a handful of clients is found, though not at once.
func TestSmallNetwork(t *testing.T) {
	t.Parallel()
	w := small(14)
	j := newJudge(t, Options{})
	const asn = 65400
	office := func(o report.Outcome) func(int64) []Row { // three machines that ask every 20 s
		return func(second int64) (rows []Row) {
			for c := range uint64(3) {
				if (second+int64(7*c))%20 != 0 {
					continue
				}
				at := second * 1000
				rows = append(rows, Row{At: at, Arrived: at + 900, App: "shop", Version: "1.4.0", OS: "linux", Target: "https://shop0.example", Outcome: o,
					Server: serverName(int(c)), Source: report.SourceAgent, ASN: asn, Country: "AA", Collector: "c1", Bucket: report.Bucket(90 + c), Client: 1000 + c, Raw: 1, Estimated: 1})
			}
			return rows
		}
	}
	w.extra = office(report.OK)
	start := learn(t, w, j, 30*time.Minute)
	w.extra = office(report.TCPTimedOut)
	events := w.run(j, 10*time.Minute)
	showOnFailure(t, start, &events)
	if pages(events) == 0 || len(ids(events)) != 1 || !slices.Equal(events[0].Scope[0].ASN, []uint32{asn}) {
		t.Error("not found")
	}
}

// forger makes n reports a second from one address prefix of a network.
func forger(n int, row Row, vary func(i uint64, r *Row)) func(int64) []Row {
	i := uint64(0)
	return func(second int64) (rows []Row) {
		for range n {
			r := row
			r.At, r.Arrived = second*1000-2000, second*1000+10
			i++
			vary(i, &r)
			rows = append(rows, r)
		}
		return rows
	}
}

// Reports of one machine alert nobody and blame nobody else, whatever they claim, and hide nothing.
func TestForged(t *testing.T) {
	base := Row{App: "shop", Version: "1.4.0", OS: "linux", Target: "https://shop0.example", Outcome: report.TCPRefused, Server: serverName(7),
		Source: report.SourceAgent, ASN: 64600, Country: "AA", Collector: "c1", Bucket: 77, Client: 5, Raw: 1, Estimated: 1}
	for name, c := range map[string]struct {
		perSecond int
		vary      func(i uint64, r *Row)
		asn       uint32
	}{
		"a million reports": {400, func(i uint64, r *Row) { r.Raw = 3 }, 64600},
		"a thousand tokens": {20, func(i uint64, r *Row) { r.Client = 1000 + i%1000 }, 64600},
		"invented servers":  {100, func(i uint64, r *Row) { r.Server, r.Client = fmt.Sprintf("198.51.100.%d:%d", i%256, i%5000), i%200 }, 64600},
		"invented versions": {60, func(i uint64, r *Row) { r.Version, r.Client = fmt.Sprintf("9.%d", i), i%300 }, 64600},
		"invented successes": {30, func(i uint64, r *Row) {
			r.Outcome, r.Client, r.Estimated = report.OK, i%1000, 20
		}, 64600},
		"an unknown network": {60, func(i uint64, r *Row) { r.ASN, r.Client = 0, i%500 }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := small(15)
			j := newJudge(t, Options{})
			start := learn(t, w, j, 20*time.Minute)
			row := base
			row.ASN = c.asn
			w.extra = forger(c.perSecond, row, c.vary)
			events := w.run(j, 5*time.Minute)
			w.fault = func(at int64, q *request) {
				if q.asn == w.near(0.05) {
					fails(q, report.TCPTimedOut)
				}
			}
			honest := w.run(j, 3*time.Minute)
			all := slices.Concat(events, honest)
			showOnFailure(t, start, &all)
			forged := false
			for _, e := range events {
				if e.Page || e.Verdict == model.Forged && !(c.asn == 0 && len(e.Scope[0].ASN) == 0 || slices.Equal(e.Scope[0].ASN, []uint32{c.asn})) {
					t.Errorf("%v, page %v, scope %+v", e.Verdict, e.Page, e.Scope[0])
				}
				forged = forged || e.Verdict == model.Forged
			}
			if !forged {
				t.Error("not said to be forged")
			}
			if pages(honest) == 0 {
				t.Error("the outage behind it is not told")
			}
			for _, e := range honest {
				if e.Page && !slices.Equal(e.Scope[0].ASN, []uint32{w.near(0.05)}) {
					t.Errorf("the outage is told as one of %+v", e.Scope[0])
				}
			}
		})
	}
}

// What is told long after the fact makes an incident of the past, which alerts nobody.
func TestLate(t *testing.T) {
	t.Parallel()
	w := small(16)
	j := newJudge(t, Options{})
	start := learn(t, w, j, 20*time.Minute)
	asn := w.near(0.05)
	end := start + 10*60_000
	w.fault = func(at int64, q *request) {
		if q.asn == asn && at < end {
			fails(q, report.TCPTimedOut)
		}
	}
	w.offline = func(v *visit, at int64) int64 {
		if v.asn == asn && at < end+6*60_000 {
			return end + 6*60_000 - at + w.rng.Int64N(30_000)
		}
		return 0
	}
	events := w.run(j, 30*time.Minute)
	showOnFailure(t, start, &events)
	if len(events) < 2 || len(ids(events)) != 1 || pages(events) > 0 {
		t.Fatalf("%d events of %d incidents, %d pages", len(events), len(ids(events)), pages(events))
	}
	first, last := events[0], events[len(events)-1]
	if !first.Late || first.Kind != Opened || !slices.Equal(first.Scope[0].ASN, []uint32{asn}) || first.Onset < start || first.Onset > start+60_000 {
		t.Errorf("first: %+v", first)
	}
	if last.Kind != Cleared || last.Until < end-60_000 || last.Until > end+60_000 {
		t.Errorf("last: %+v", last)
	}
	if j.Stats().Late == 0 {
		t.Error("not counted as late")
	}
}

// A ramp over an hour is found early and told a few times.
func TestRamp(t *testing.T) {
	t.Parallel()
	w := small(17)
	j := newJudge(t, Options{})
	start := learn(t, w, j, 25*time.Minute)
	w.fault = ramp(time.Hour)(w, start)
	events := w.run(j, 30*time.Minute)
	showOnFailure(t, start, &events)
	if len(ids(events)) != 1 || len(events) > 5 || !events[0].Page || events[0].Judged > start+8*60_000 {
		t.Errorf("%d events of %d incidents", len(events), len(ids(events)))
	}
}

// Present has the figures of now between two events, and asking for them changes nothing that is
// told later.
func TestPresentFigures(t *testing.T) {
	t.Parallel()
	var told [2][]Event
	for n := range told {
		w, j := small(14), newJudge(t, Options{})
		start := learn(t, w, j, 20*time.Minute)
		w.fault = func(at int64, q *request) {
			if q.server == serverName(4) && at-start < 200_000 {
				fails(q, report.TCPRefused)
			}
		}
		var last Incident
		grew := 0
		for range 60 {
			events := w.run(j, 10*time.Second)
			told[n] = append(told[n], events...)
			if n == 0 {
				continue
			}
			open, present := j.Open(), j.Present()
			if len(open) != len(present) {
				t.Fatalf("%d are open, and there are figures of %d", len(open), len(present))
			}
			for k, p := range present {
				if o := open[k]; p.ID != o.ID || p.Verdict != o.Verdict || p.Page != o.Page || !p.Scope[0].equal(&o.Scope[0]) {
					t.Errorf("told was %+v, present is %+v", o, p)
				}
				if p.ID == last.ID && p.Failed > last.Failed && len(events) == 0 {
					grew++
				}
				last = p
			}
		}
		if n == 1 && grew < 5 {
			t.Errorf("the failures grew %d times without an event", grew)
		}
	}
	if len(told[0]) == 0 || !reflect.DeepEqual(told[0], told[1]) {
		t.Errorf("with and without asking for figures:\n%+v\n%+v", told[1], told[0])
	}
}
