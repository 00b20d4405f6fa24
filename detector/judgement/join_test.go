package judgement

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Of many values some are hit: those with few failures are known by the share of requests that
// fails at the others, and those that are innocent are not taken along by a failure or two.
func TestMixture(t *testing.T) {
	var m mixture
	add := func(value uint32, count int, x, n, e float64) {
		for range count {
			m.members = append(m.members, member{value: value, weight: 1, x: x, n: n, e: e, shape: priorShape})
		}
	}
	add(1, 8, 8, 12, 0.06)
	add(2, 2, 4, 10, 0.05)
	add(3, 1, 2, 10, 0.05)  // may be either
	add(4, 1, 2, 60, 0.6)   // a larger one in which two fail by chance
	add(5, 3, 1, 10, 0.05)  // one each
	add(6, 800, 0, 8, 0.04) // all others
	m.fit()
	if m.evidence < innocent {
		t.Errorf("%.1f nats that not all are hit", m.evidence)
	}
	want := map[uint32][2]float64{1: {0.999, 1}, 2: {0.98, 1}, 3: {0.05, 0.9}, 4: {0, 0.01}, 5: {0, 0.2}, 6: {0, 0.02}}
	for _, v := range m.members {
		if p := want[v.value]; v.p < p[0] || v.p > p[1] {
			t.Errorf("kind %d: %.4f, want %v", v.value, v.p, p)
		}
	}
}

// Where all values are hit alike, or as unlike as chance makes them, nothing says that some are
// not.
func TestMixtureOfAll(t *testing.T) {
	for _, x := range [][]float64{
		{3, 1, 0, 2, 1, 0, 4, 1, 2, 0, 1, 3, 2, 1, 0, 2, 1, 1, 5, 0},
		{60, 45, 70, 52, 33, 61, 48, 90, 57, 40},
		{0, 0, 0, 0},
	} {
		var m mixture
		for k, x := range x {
			m.members = append(m.members, member{value: uint32(k + 1), weight: 1, x: x, n: 50, e: 0.1, shape: priorShape})
		}
		if m.fit(); m.evidence >= joinDoubt {
			t.Errorf("%v: %.1f nats that some are not hit", x, m.evidence)
		}
	}
}

func TestLogCount(t *testing.T) {
	sum := 0.0
	for x := range 200 {
		sum += math.Exp(logCount(float64(x), 3, 2))
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("probabilities sum to %v", sum)
	}
}

// The first word waits ten seconds for values that are about to be named, and not at all where a
// bin takes longer than that.
func TestSure(t *testing.T) {
	for _, c := range []struct {
		bin          time.Duration
		more, margin float64
		since        int64
		want         bool
	}{
		{10 * time.Second, 0, 10, 0, true},
		{10 * time.Second, 2, 10, 0, false},
		{10 * time.Second, 2, 10, 1, true},
		{10 * time.Second, 0, 1, 1, false},
		{10 * time.Second, 0, 1, 3, true},
		{5 * time.Second, 2, 10, 1, false},
		{5 * time.Second, 2, 10, 2, true},
		{time.Minute, 2, 10, 0, true},
	} {
		turn := turn{j: newJudge(t, Options{Bin: c.bin}), bin: 100 + c.since}
		if got := turn.sure(&incident{more: c.more, margin: c.margin, found: 100}); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// The first word about many values that are hit at once, each of which has few failures, names
// most of them and no innocent one, and says why: a leak of a dozen networks, eight of forty
// servers.
func TestFirstWordOfMany(t *testing.T) {
	var networks []uint32
	for k := range uint32(12) {
		networks = append(networks, 64516+5*k)
	}
	var servers []string
	for k := range 8 {
		servers = append(servers, serverName(5*k+2))
	}
	slices.Sort(servers)
	for _, c := range []struct {
		name    string
		verdict model.Verdict
		hits    func(q *request) bool
		named   func(s *Scope) (right, wrong int)
		least   int
	}{
		{"networks", model.NetworkPath, func(q *request) bool { return slices.Contains(networks, q.asn) },
			func(s *Scope) (int, int) { return among(s.ASN, networks) }, 5},
		{"servers", model.ServerGroup, func(q *request) bool { return slices.Contains(servers, q.server) },
			func(s *Scope) (int, int) { return among(s.Server, servers) }, 7},
	} {
		w := newWorld(4)
		w.servers = 40
		j := newJudge(t, Options{})
		w.run(j, 40*time.Minute)
		start := w.second * 1000
		w.fault = func(_ int64, q *request) {
			if c.hits(q) && w.rng.IntN(10) > 0 {
				fails(q, report.TCPTimedOut)
			}
		}
		events := w.run(j, 90*time.Second)
		if len(events) == 0 {
			t.Fatalf("%s: nothing was told", c.name)
		}
		right, wrong := c.named(&events[0].Scope[0])
		if e := events[0]; e.Verdict != c.verdict || !e.Page || right < c.least || wrong > 0 || e.Judged-start > 45_000 {
			t.Errorf("%s: the first word names %d, %d wrongly", c.name, right, wrong)
			show(t, start, events)
		}
	}
}

// among counts the values of a list that are among others, and those that are not.
func among[T comparable](list, others []T) (in, out int) {
	for _, v := range list {
		if slices.Contains(others, v) {
			in++
		} else {
			out++
		}
	}
	return in, out
}
