package judgement

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector/verdict"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Where a twentieth of all requests fails, single probes fail at all servers, by turns. That does
// not make any of them down; a server that all vantages cannot reach twice is.
func TestVantages(t *testing.T) {
	j := newJudge(t, Options{})
	probe := func(at int64, vantage, server int, ok bool) {
		o := report.TCPRefused
		if ok {
			o = report.OK
		}
		j.AddProbe(Probe{At: at, Vantage: fmt.Sprintf("v%d", vantage), VantageASN: uint32(vantage), Server: serverName(server), Outcome: o})
	}
	for round := range 4 {
		for v := 1; v <= 3; v++ {
			for s := range 20 {
				probe(int64(round)*30_000, v, s, (round+v+s)%20 != 0)
			}
		}
	}
	j.now = 120_000
	turn := turn{j: j}
	for _, v := range turn.vantages(&Scope{}, 0) {
		if v.Down > 0 || v.Up < 18 {
			t.Errorf("%s finds %d servers up and %d down", v.Name, v.Up, v.Down)
		}
	}
	for round := range 2 {
		for v := 1; v <= 3; v++ {
			probe(130_000+int64(round)*30_000, v, 5, false)
			probe(130_000+int64(round)*30_000, v, 6, v != 2) // seen by one vantage alone
		}
	}
	j.now = 170_000
	for _, v := range turn.vantages(&Scope{}, 0) {
		if v.Down != 1 {
			t.Errorf("%s finds %d servers down", v.Name, v.Down)
		}
	}
	for _, v := range turn.vantages(&Scope{ASN: []uint32{2}}, 0) {
		// what is inside of the scope speaks for itself
		if v.Name == "v2" && v.Down != 2 || v.Name != "v2" && v.Down != 1 {
			t.Errorf("%s finds %d servers down", v.Name, v.Down)
		}
	}
}

// A vantage that has failed and not judged yet finds a server neither up nor down, and one that
// has not looked since the failures began tells of before.
func TestVantagesThatHaveNotJudgedYet(t *testing.T) {
	j := newJudge(t, Options{})
	j.AddProbe(Probe{At: 1000, Vantage: "a", VantageASN: 1, Server: "s", Outcome: report.OK})
	j.AddProbe(Probe{At: 60_000, Vantage: "b", VantageASN: 2, Server: "s", Outcome: report.OK})
	for at := range int64(3) {
		j.AddProbe(Probe{At: 61_000 + at, Vantage: "c", VantageASN: 3, Server: "s", Outcome: report.TCPRefused, Unsettled: true})
	}
	j.now = 62_000
	turn := turn{j: j}
	got := turn.vantages(&Scope{}, 50_000)
	want := []verdict.Vantage{{Name: "a", ASN: 1, Up: 1, Before: true}, {Name: "b", ASN: 2, Up: 1}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v: c reaches nothing that it could be compared with", got, want)
	}
	j.AddProbe(Probe{At: 61_500, Vantage: "c", VantageASN: 3, Server: "other", Outcome: report.OK})
	got = turn.vantages(&Scope{Server: []string{"s"}}, 50_000)
	if want = append(want, verdict.Vantage{Name: "c", ASN: 3}); !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A vantage that reaches nothing counts beside others that do if it is sure of itself.
func TestVantagesThatReachNothing(t *testing.T) {
	for _, sure := range []bool{false, true} {
		j := newJudge(t, Options{})
		for at := range int64(2) {
			for asn, outcome := range map[uint32]report.Outcome{1: report.TCPRefused, 2: report.TCPRefused, 3: report.OK} {
				j.AddProbe(Probe{At: 1000 + at, Vantage: fmt.Sprint("v", asn), VantageASN: asn, Server: "s", Outcome: outcome, Sure: sure && outcome != report.OK})
			}
		}
		j.now = 2000
		turn := turn{j: j}
		down := 0
		for _, v := range turn.vantages(&Scope{}, 0) {
			down += v.Down
		}
		if want := map[bool]int{false: 0, true: 2}[sure]; down != want {
			t.Errorf("sure of themselves %v: %d find it down, want %d", sure, down, want)
		}
	}
}

// While a server is down, the probers say nothing about a network that is cut off meanwhile:
// few of its failures are at that server.
func TestProbersFindAnotherFault(t *testing.T) {
	t.Parallel()
	w, j := newWorld(11), newJudge(t, Options{})
	learn(t, w, j, 35*time.Minute)
	network, start := scopeASN(0.03)(w), w.second*1000
	server := Scope{Server: []string{serverName(5)}}
	from := start + (4 * time.Minute).Milliseconds()
	w.fault = func(at int64, q *request) {
		if at >= start && within(q, &server) || at >= from && within(q, &network) {
			fails(q, report.TCPTimedOut)
		}
	}
	told := 0
	for range 20 {
		for v := range 3 {
			for s := range 20 {
				p := Probe{At: w.second * 1000, Vantage: fmt.Sprint("v", v), VantageASN: uint32(v + 1), Server: serverName(s), Outcome: report.OK}
				if s == 5 && p.At >= start+15_000 {
					p.Outcome = report.TCPTimedOut
				}
				j.AddProbe(p)
			}
		}
		for _, e := range w.run(j, 30*time.Second) {
			want := model.ServerGroup
			if e.Scope[0].equal(&network) {
				want, told = model.NetworkPath, told+1
			}
			if e.Verdict != want {
				t.Errorf("%s of %+v, want %s: %v", e.Verdict, e.Scope[0], want, e.Evidence)
			}
		}
	}
	if told == 0 {
		t.Error("nothing is told of the network")
	}
}

// Where half of all requests fail, probes find most servers down by chance, which is no fault of
// these servers.
func TestProbersFindServersDownByChance(t *testing.T) {
	t.Parallel()
	w, j := newWorld(13), newJudge(t, Options{})
	start := learn(t, w, j, 35*time.Minute)
	w.fault = func(_ int64, q *request) {
		if w.rng.IntN(2) == 0 {
			fails(q, report.TCPTimedOut)
		}
	}
	var events []Event
	for range 20 {
		for v := range 3 {
			for s := range 20 {
				o := report.OK
				if w.rng.IntN(4) != 0 { // probes are less patient
					o = report.TCPTimedOut
				}
				j.AddProbe(Probe{At: w.second * 1000, Vantage: fmt.Sprint("v", v), VantageASN: uint32(v + 1), Server: serverName(s), Outcome: o})
			}
		}
		events = append(events, w.run(j, 30*time.Second)...)
		if len(j.incidents) != 1 {
			continue
		}
		i := j.incidents[0]
		turn := turn{j: j, bin: j.next - 1, end: j.next * j.width}
		if d := turn.describe(i); d.Verdict != model.ServiceDown {
			t.Errorf("%s: %v", d.Verdict, d.Evidence)
		}
	}
	if len(events) == 0 {
		show(t, start, events)
		t.Error("nothing is told")
	}
}
