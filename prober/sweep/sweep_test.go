package sweep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

// world is a fleet of servers whose outcomes a test sets.
type world struct {
	mu       sync.Mutex
	outcomes map[string]report.Outcome // of servers that are not OK
	err      error                     // of all attempts
	attempts map[string][]time.Time
	start    time.Time
}

func (w *world) spec(s heatmap.Server) probe.Spec {
	return probe.Custom{Func: func(context.Context) (probe.Result, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.attempts[s.Name] = append(w.attempts[s.Name], time.Now())
		outcome, ok := w.outcomes[s.Name]
		if !ok {
			outcome = report.OK
		}
		return probe.Result{Outcome: outcome, Server: s.Address, Steps: []probe.Step{{Name: "connect"}}}, w.err
	}}
}

func (w *world) set(outcome report.Outcome, names ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range names {
		w.outcomes[name] = outcome
	}
}

func (w *world) probed(name string) []time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.attempts[name]
}

func newWorld() *world {
	return &world{outcomes: map[string]report.Outcome{}, attempts: map[string][]time.Time{}, start: time.Now()}
}

func fleet(t testing.TB, n int) *heatmap.Map {
	t.Helper()
	servers := make([]heatmap.Server, n)
	for i := range servers {
		servers[i] = heatmap.Server{Name: fmt.Sprintf("s%d", i), Address: fmt.Sprintf("10.0.%d.%d:80", i/256, i%256), Row: fmt.Sprint(i / 40)}
	}
	topology, err := heatmap.NewTopology(servers)
	if err != nil {
		t.Fatal(err)
	}
	return heatmap.NewMap(topology)
}

func newSweeper(t testing.TB, o Options) *Sweeper {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func stateOf(t *testing.T, m *heatmap.Map, name string) heatmap.State {
	t.Helper()
	i, ok := m.Topology().ByName(name)
	if !ok {
		t.Fatalf("no %s", name)
	}
	state, _ := m.State(i)
	return state
}

func TestRoundProbesEachServerOnceAtTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := newWorld(), fleet(t, 1000)
		s := newSweeper(t, Options{Map: m, Spec: w.spec, Rate: 100})
		s.Round(t.Context())
		if took := time.Since(w.start); took < 9*time.Second || took > 11*time.Second {
			t.Errorf("1000 servers at 100/s took %v", took)
		}
		if got := m.Counts(); got.Up != 1000 {
			t.Errorf("%+v", got)
		}
		rows := map[int]int{} // of the servers that were probed in the first second
		for i := range 1000 {
			times := w.probed(fmt.Sprint("s", i))
			if len(times) != 1 {
				t.Fatalf("s%d was probed %d times", i, len(times))
			}
			if times[0].Sub(w.start) < time.Second {
				rows[i/40]++
			}
		}
		if len(rows) < 20 {
			t.Errorf("in the first second, these rows were probed: %v", rows)
		}
	})
}

// A server is down after several failures in a row within the round, the first of which is
// confirmed at once; a lost packet changes nothing.
func TestHysteresis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := newWorld(), fleet(t, 50)
		s := newSweeper(t, Options{Map: m, Spec: w.spec, DownAfter: 3, RetryInterval: 2 * time.Second})
		s.Round(t.Context())
		w.set(report.TCPRefused, "s7")
		s.Round(t.Context())
		if got := m.Counts(); got != (heatmap.Counts{Up: 49, Down: 1}) || stateOf(t, m, "s7") != heatmap.Down {
			t.Errorf("%+v", got)
		}
		if n := len(w.probed("s7")); n != 1+4 { // once while it was up
			t.Errorf("s7 was probed %d times", n)
		}
		s.Round(t.Context())
		if n := len(w.probed("s7")); n != 6 {
			t.Errorf("a server that stays down was probed %d times", n)
		}
		w.set(report.OK, "s7")
		version := m.Snapshot().Version
		s.Round(t.Context())
		if stateOf(t, m, "s7") != heatmap.Up || m.Snapshot().Version != version+1 {
			t.Errorf("s7 is %v", stateOf(t, m, "s7"))
		}
		if n := len(w.probed("s8")); n != 4 {
			t.Errorf("s8 was probed %d times in four rounds", n)
		}
	})
}

func TestNothingCountsWhileNoWitnessAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := newWorld(), fleet(t, 50)
		answers := true
		s := newSweeper(t, Options{Map: m, Spec: w.spec, DownAfter: 2, Vouch: func(context.Context, time.Time) bool { return answers }})
		s.Round(t.Context())
		answers = false
		for i := range 50 {
			w.set(report.TCPTimedOut, fmt.Sprint("s", i))
		}
		for range 5 {
			s.Round(t.Context())
		}
		if got := m.Counts(); got.Up != 50 {
			t.Errorf("%+v", got)
		}
		answers = true
		s.Round(t.Context())
		if got := m.Counts(); got.Down != 50 {
			t.Errorf("%+v", got)
		}
		w.err = errors.New("no descriptors")
		s.Round(t.Context())
		if got := m.Counts(); got.Down != 50 {
			t.Errorf("%+v", got)
		}
	})
}

// What may be the vantage's own fault does not count, whatever the witnesses say.
func TestNothingCountsThatTheVantageDoubts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := newWorld(), fleet(t, 50)
		s := newSweeper(t, Options{Map: m, Spec: w.spec, DownAfter: 2, Doubt: func(_ context.Context, r *probe.Result) error {
			if r.Outcome == report.TCPAddressUnreachable {
				return errors.New("no IPv6 here")
			}
			return nil
		}})
		s.Round(t.Context())
		w.set(report.TCPTimedOut, "s7")
		for i := 10; i < 20; i++ {
			w.set(report.TCPAddressUnreachable, fmt.Sprint("s", i))
		}
		for range 3 {
			s.Round(t.Context())
		}
		if got := m.Counts(); got != (heatmap.Counts{Up: 49, Down: 1}) {
			t.Errorf("%+v", got)
		}
	})
}

// States are those that the map had before, so that a restart neither forgets nor raises anything.
func TestStatesAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := newWorld(), fleet(t, 10)
		for i := range 10 {
			m.Set(i, heatmap.Up, w.start)
		}
		m.Set(3, heatmap.Down, w.start)
		version := m.Snapshot().Version
		w.set(report.TCPRefused, "s3")
		newSweeper(t, Options{Map: m, Spec: w.spec}).Round(t.Context())
		if m.Snapshot().Version != version {
			t.Errorf("%d changes", m.Snapshot().Version-version)
		}
		if n := len(w.probed("s3")); n != 1 {
			t.Errorf("s3 was probed %d times, though it was down before", n)
		}
	})
}

func TestVantagesShareTheFleet(t *testing.T) {
	m := fleet(t, 3000)
	w := newWorld()
	by := map[string]int{}
	for vantage := range 3 {
		s := newSweeper(t, Options{Map: m, Spec: w.spec, Share: Share{Vantage: vantage, Vantages: 3, Overlap: 2}})
		if s.Len() < 1800 || s.Len() > 2200 {
			t.Errorf("vantage %d has %d servers", vantage, s.Len())
		}
		for _, i := range s.mine {
			by[m.Topology().Server(int(i)).Name]++
		}
	}
	for name, n := range by {
		if n != 2 {
			t.Fatalf("%s is probed by %d vantages", name, n)
		}
	}
	if len(by) != 3000 {
		t.Errorf("%d servers are probed", len(by))
	}
}

func TestChangesAreDeliveredAndTheRestNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, m := newWorld(), fleet(t, 100)
		var all []*report.ProbeResults
		s := newSweeper(t, Options{Map: m, Spec: w.spec, DownAfter: 2, Round: time.Minute, Remind: 20 * time.Minute, Vantage: "fra", ASN: 64501, Version: "1",
			Deliver: func(_ time.Time, r *report.ProbeResults) { all = append(all, r) }})
		count := func() (n int, last report.ProbeResult) {
			for _, r := range all {
				if _, err := report.AppendRecord(nil, r); err != nil {
					t.Fatal(err)
				}
				n += len(r.Results)
				last = r.Results[len(r.Results)-1]
			}
			all = nil
			return n, last
		}
		s.Round(t.Context())
		if n, last := count(); n != 100 || last.Judgement != report.JudgedUp {
			t.Errorf("the first round delivers %d, %+v", n, last)
		}
		s.Round(t.Context())
		if n, _ := count(); n != 5 {
			t.Errorf("a round without changes delivers %d, want a twentieth", n)
		}
		for range 18 {
			s.Round(t.Context())
		}
		if n, _ := count(); n != 90 {
			t.Errorf("18 rounds deliver %d", n)
		}
		w.set(report.TCPRefused, "s55")
		s.Round(t.Context())
		down := 0
		for _, r := range all {
			for i := range r.Results {
				if x := &r.Results[i]; x.Judgement == report.JudgedDown && r.Targets[x.Target].Name == "s55" && x.Outcome == report.TCPRefused && x.Family == 4 {
					down++
				}
			}
		}
		if down == 0 {
			t.Errorf("the fall of a server is not delivered: %+v", all)
		}
	})
}

func TestRunEndsWithItsAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails when a goroutine is left
		m := fleet(t, 100)
		s := newSweeper(t, Options{Map: m, Concurrency: 10, Timeout: time.Hour, Spec: func(heatmap.Server) probe.Spec {
			return probe.Custom{Func: func(ctx context.Context) (probe.Result, error) {
				<-ctx.Done()
				return probe.Result{Outcome: report.TCPTimedOut}, nil
			}}
		}})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		go func() {
			time.Sleep(time.Second)
			if err := s.Run(ctx); err == nil {
				t.Error("a second Run was allowed")
			}
		}()
		if err := s.Run(ctx); err != nil || time.Since(began) != 5*time.Second || m.Counts().Unknown != 100 {
			t.Errorf("%v after %v, %+v", err, time.Since(began), m.Counts())
		}
	})
}

func TestPanicsAndFaultySpecsAreInconclusive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := fleet(t, 2)
		registry := prometheus.NewPedanticRegistry()
		s := newSweeper(t, Options{Map: m, Metrics: registry, Spec: func(s heatmap.Server) probe.Spec {
			if s.Name == "s0" {
				return probe.Custom{} // without a Func
			}
			return probe.Custom{Func: func(context.Context) (probe.Result, error) { panic("oh") }}
		}})
		s.Round(t.Context())
		if m.Counts().Unknown != 2 {
			t.Errorf("%+v", m.Counts())
		}
		if _, err := New(Options{Map: m, Spec: newWorld().spec, Metrics: registry}); err == nil {
			t.Error("metrics were registered twice")
		}
	})
}

func TestOptionsNameEveryFault(t *testing.T) {
	_, err := New(Options{Rate: -1, Round: -1, Timeout: -1, RetryInterval: -1, Concurrency: -1, DownAfter: 101, UpAfter: -1, Remind: -1,
		Share: Share{Vantage: 3, Vantages: 3, Overlap: 4}, Deliver: func(time.Time, *report.ProbeResults) {}})
	for _, want := range []string{"map and spec", "rate -1", "round", "timeout", "retry", "concurrency", "down after 101", "up after", "remind", "vantage 3 of 3", "overlap of 4", "vantage: missing"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}

func TestRecordsArePacked(t *testing.T) {
	for _, r := range []record{{}, {state: heatmap.Up}, {state: heatmap.Down, passed: 99}, {state: heatmap.Up, failed: 99}, {suspect: true}} {
		if got := unpack(r.pack()); got != r {
			t.Errorf("%+v is packed as %+v", r, got)
		}
	}
	var b bytes.Buffer
	for _, n := range []int{0, 1, 2, 10, 1_000_000} {
		fmt.Fprint(&b, gcd(coprime(n*618/1000, n), n), " ")
	}
	if b.String() != "1 1 1 1 1 " {
		t.Errorf("divisors %s", &b)
	}
}
