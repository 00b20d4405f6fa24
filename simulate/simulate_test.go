package simulate

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// gathered is a sink that keeps what a run sends.
type gathered struct {
	t          *testing.T
	rows       []Row
	probes     []Probe
	last, tick int64
	ticks      int
}

func (g *gathered) order(at int64) {
	if at < g.last || at <= g.tick {
		g.t.Fatalf("something of %d comes after %d and the tick %d", at, g.last, g.tick)
	}
	g.last = at
}

func (g *gathered) Row(r Row) error {
	g.order(r.Arrived)
	g.rows = append(g.rows, r)
	return nil
}

func (g *gathered) Probe(p Probe) error {
	g.order(p.At)
	g.probes = append(g.probes, p)
	return nil
}

func (g *gathered) Tick(at int64) error {
	if g.ticks++; g.tick != 0 && at != g.tick+1000 {
		g.t.Fatalf("tick %d after %d", at, g.tick)
	}
	g.tick = at
	return nil
}

func gather(t *testing.T, s *Scenario, seed uint64) *gathered {
	t.Helper()
	g := &gathered{t: t}
	if err := Run(s, seed, g); err != nil {
		t.Fatal(err)
	}
	return g
}

func named(t *testing.T, name string) *Scenario {
	t.Helper()
	s, err := Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// small makes a scenario quick: its faults begin after ten minutes.
func small(s *Scenario) *Scenario {
	s.Duration.Duration, s.World.RequestsPerSecond, s.World.Networks, s.World.Clients = 25*time.Minute, 40, 100, 20_000
	for i := range s.Faults {
		s.Faults[i].Start.Duration = 10 * time.Minute
	}
	for i := range s.Floods {
		s.Floods[i].Start.Duration, s.Floods[i].Duration.Duration = 10*time.Minute, 5*time.Minute
	}
	for i := range s.Releases {
		s.Releases[i].Start.Duration, s.Releases[i].Over.Duration = 5*time.Minute, 5*time.Minute
	}
	return s
}

func TestScenariosRunAndRepeat(t *testing.T) {
	if len(Names()) < 25 {
		t.Errorf("only %q", Names())
	}
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := named(t, name)
			if s.About == "" {
				t.Error("does not say what it is about")
			}
			small(s)
			s.Duration.Duration, s.World.RequestsPerSecond = 11*time.Minute, 10
			first, again := gather(t, s, 7), gather(t, s, 7)
			if !slices.Equal(first.rows, again.rows) || !slices.Equal(first.probes, again.probes) {
				t.Error("the same seed gives other reports")
			}
			if other := gather(t, s, 8); slices.Equal(first.rows, other.rows) {
				t.Error("another seed gives the same reports")
			}
			if first.ticks != 11*60 || (s.Probes.Vantages > 0) != (len(first.probes) > 0) {
				t.Errorf("%d ticks, %d probes", first.ticks, len(first.probes))
			}
		})
	}
}

// The estimated number of requests is unbiased, whatever fails: windows with a failure count once,
// the others are drawn and weighted.
func TestWeightsAreUnbiased(t *testing.T) {
	for _, failing := range []float64{0, 0.02, 0.5} {
		s := small(named(t, "calm"))
		s.World.Diurnal, s.World.FailureRate, s.World.NoiseShape, s.World.BadVisits = 0, failing, 0, 0
		s.World.Crashes, s.World.Offline, s.World.Browsers = 0, 0, 0.3
		s.World.RequestsPerSecond = 200
		estimated, ok := 0.0, 0.0
		for _, r := range gather(t, s, 3).rows {
			if r.App != model.DeliveryApp {
				estimated += r.Estimated
				if r.Outcome == report.OK {
					ok += r.Estimated
				}
			}
		}
		want := 200 * s.Duration.Seconds()
		if math.Abs(estimated/want-1) > 0.05 || math.Abs(ok/want-(1-failing)) > 0.05 {
			t.Errorf("with %v failing: %v requests and %v successes are estimated of %v", failing, estimated, ok, want)
		}
	}
}

// A crowd makes as many requests as the scenario says, though several visits begin in a
// millisecond.
func TestCrowds(t *testing.T) {
	s := small(named(t, "calm"))
	s.Duration.Duration, s.World.RequestsPerSecond, s.World.VisitRequests, s.World.Diurnal = 30*time.Second, 4000, 2, 0
	s.World.RequestGap.Duration, s.World.Window.Duration = time.Second, time.Second
	s.World.Crashes, s.World.Offline = 0, 0
	estimated := 0.0
	for _, r := range gather(t, s, 3).rows {
		if r.App != model.DeliveryApp {
			estimated += r.Estimated
		}
	}
	if want := 4000.0 * 30; math.Abs(estimated/want-1) > 0.05 {
		t.Errorf("%v requests are estimated of %v", estimated, want)
	}
}

// Successes are reported when windows end, first failures at once.
func TestFailuresComeEarly(t *testing.T) {
	s := small(named(t, "calm"))
	var ok, failed []float64
	for _, r := range gather(t, s, 1).rows {
		switch late := float64(r.Arrived-r.At) / 1000; {
		case r.App == model.DeliveryApp || r.Source != report.SourceAgent:
		case r.Outcome == report.OK && r.Estimated > float64(r.Raw):
			ok = append(ok, late)
		case r.Outcome != report.OK:
			failed = append(failed, late)
		}
	}
	slices.Sort(ok)
	slices.Sort(failed)
	if half, most := ok[len(ok)/2], ok[len(ok)*9/10]; half < 25 || half > 45 || most < 60 || most > 90 {
		t.Errorf("successes are %v s late, a tenth %v s", half, most)
	}
	if half := failed[len(failed)/2]; half > 10 {
		t.Errorf("failures are %v s late", half)
	}
}

// Requests fail if the truth says so, and otherwise they do not.
func TestTruthIsTrue(t *testing.T) {
	for _, name := range []string{"dark-network", "server-dead", "dns-country", "quic-two-sites", "bad-release", "service-down", "certificate-expiry"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := small(named(t, name))
			s.World.RequestsPerSecond = 100
			truth := Truths(s, 5)[0]
			hit, missed := [2]float64{}, [2]float64{} // requests, failed
			for _, r := range gather(t, s, 5).rows {
				if r.App == model.DeliveryApp || r.At < truth.Start || r.At >= truth.End {
					continue
				}
				count := &missed
				if truth.Scope.holds(&r) {
					count = &hit
				}
				count[0] += r.Estimated
				if r.Outcome != report.OK {
					count[1] += float64(r.Raw)
				}
			}
			share := max(s.Faults[0].Share, 0.1)
			if hit[1] < 0.9*share*hit[0] || hit[1] == 0 || missed[1] > 0.04*missed[0] {
				t.Errorf("%+v: of those hit %v failed, of the others %v", truth, hit, missed)
			}
		})
	}
}

func (s *Scope) holds(r *Row) bool {
	return (len(s.ASN) == 0 || slices.Contains(s.ASN, r.ASN)) && (len(s.Country) == 0 || slices.Contains(s.Country, r.Country)) &&
		(len(s.Server) == 0 || slices.Contains(s.Server, r.Server)) && (len(s.Version) == 0 || slices.Contains(s.Version, r.Version)) &&
		(len(s.Protocol) == 0 || slices.Contains(s.Protocol, r.Protocol))
}

// A flood comes from the sources that the truth names, with the scenario's tokens and prefixes.
func TestFloodsAreOfOneMachine(t *testing.T) {
	s := small(named(t, "forged-tokens"))
	truth := Truths(s, 2)[0]
	tokens, buckets := map[uint64]bool{}, map[report.Bucket]bool{}
	for _, r := range gather(t, s, 2).rows {
		if r.Server == "192.0.2.7:443" && r.Outcome == report.TCPRefused && r.ASN == truth.Scope.ASN[0] {
			tokens[r.Client], buckets[r.Bucket] = true, true
		}
	}
	if len(tokens) < 900 || len(buckets) != 1 || truth.Verdict != "forged" {
		t.Errorf("%d tokens, %d buckets, %+v", len(tokens), len(buckets), truth)
	}
}

// Tokens and buckets are new at midnight UTC.
func TestTokensAndBucketsOfADay(t *testing.T) {
	p := newPopulation(1, &World{Networks: 3, LargestNetwork: 0.5, Countries: 2, Servers: 1, Clients: 9, Targets: []string{"a"}, Versions: []string{"1"}})
	if p.token(5, day-1) == p.token(5, day) || p.token(5, 0) != p.token(5, day-1) || p.token(5, 0) == p.token(6, 0) {
		t.Error("tokens are not of a client and a day")
	}
	same := 0
	for prefix := range uint64(100) {
		if p.bucket(prefix, 0) == p.bucket(prefix, day) {
			same++
		}
	}
	if same > 3 {
		t.Errorf("%d of 100 buckets stay the same", same)
	}
}

func TestLargestNetwork(t *testing.T) {
	shares := zipf(1000, zipfExponent(1000, 0.095))
	if math.Abs(shares[0]-0.095) > 1e-6 || shares[999] <= 0 {
		t.Errorf("the largest network has %v, the smallest %v", shares[0], shares[999])
	}
}

func TestQueueIsInOrder(t *testing.T) {
	var q queue
	var want []int64
	for i := range int64(5000) {
		at := int64(mix(uint64(i)) % 300_000)
		want = append(want, at)
		q.push(entry{at: at + 1})
	}
	slices.Sort(want)
	var got []int64
	for s := int64(1); s <= 301; s++ {
		q.advance(s)
		for {
			e, ok := q.pop()
			if !ok {
				break
			}
			if len(got) == 100 {
				q.push(entry{at: e.at + 1}) // into the current second
				want = slices.Insert(want, 0, e.at)
				slices.Sort(want)
			}
			got = append(got, e.at-1)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d entries come back out of order, of %d", len(got), len(want))
	}
}
