package client_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/agenttest"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

// What early reports cost: clients that make a request every ten seconds on average for half an
// hour, in virtual time. Three in a hundred are on bad connections, where one request in ten fails.
const (
	earlyClients = 1000
	earlyTime    = 30 * time.Minute
	earlyEvery   = 10 * time.Second
	outageBegins = 10 * time.Minute
	outageEnds   = 20 * time.Minute
)

// cost is what all clients together sent.
type cost struct {
	uploads int
	bytes   int
	most    int // bytes of one client
	// of the first report of each client that an outage hit, from its beginning
	first []time.Duration
}

// TestCostOfEarlyReports shows it: go test ./client -run TestCostOfEarlyReports -v. An outage of
// ten minutes may not double what is sent, and nobody comes near the day's cap.
func TestCostOfEarlyReports(t *testing.T) {
	for _, outage := range []bool{false, true} {
		never, early := costOf(t, earlyClients, policy.NeverEarly, outage, false), costOf(t, earlyClients, policy.DefaultEarlyMS, outage, false)
		t.Logf("outage %v, without early reports: %s", outage, never)
		t.Logf("outage %v, with them: %s", outage, early)
		if early.bytes > 2*never.bytes {
			t.Errorf("outage %v: %d bytes instead of %d", outage, early.bytes, never.bytes)
		}
		if early.most > policy.DefaultBytesPerDay/10 {
			t.Errorf("outage %v: one client sent %d bytes", outage, early.most)
		}
	}
}

// TestCostOfDurations shows what it costs to say how long requests took: go test ./client -run
// TestCostOfDurations -v. Half of them take more than 80 ms, one in 40 more than 400 ms. A segment,
// which a client with bad luck sends once a minute, grows by some dozens of its 1,300 bytes.
// Without -v it takes a tenth of the clients.
func TestCostOfDurations(t *testing.T) {
	clients := earlyClients
	if !testing.Verbose() {
		clients /= 10
	}
	for _, outage := range []bool{false, true} {
		without, with := costOf(t, clients, policy.DefaultEarlyMS, outage, false), costOf(t, clients, policy.DefaultEarlyMS, outage, true)
		t.Logf("outage %v, without durations: %s", outage, without)
		t.Logf("outage %v, with them: %s", outage, with)
		if with.uploads != without.uploads || with.bytes > without.bytes+50*with.uploads {
			t.Errorf("outage %v: %d bytes instead of %d", outage, with.bytes, without.bytes)
		}
	}
}

func (c cost) String() string {
	s := fmt.Sprintf("%d uploads, %d sealed bytes, %d of one client at most", c.uploads, c.bytes, c.most)
	if len(c.first) > 0 {
		slices.Sort(c.first)
		s += fmt.Sprintf("; report of the outage after %v (first), %v (tenth), %v (median of %d)",
			c.first[0].Round(time.Second/10), c.first[9].Round(time.Second/10), c.first[len(c.first)/2].Round(time.Second/10), len(c.first))
	}
	return s
}

func costOf(t *testing.T, clients int, earlyMS uint64, outage, timed bool) (all cost) {
	// a few at a time, for a bubble's time stands still until all of its goroutines wait
	const bubble = 50
	for from := 0; from < clients; from += bubble {
		synctest.Test(t, func(t *testing.T) {
			visits := make([]*visit, bubble)
			var living sync.WaitGroup
			for i := range visits {
				visits[i] = newVisit(t, earlyMS, outage)
				visits[i].timed = timed
				living.Go(func() { visits[i].live(t, uint64(from+i)) })
			}
			living.Wait()
			for _, v := range visits {
				all.add(v)
			}
		})
	}
	return all
}

func (c *cost) add(v *visit) {
	sent := 0
	for _, u := range v.operator.Uploads() {
		sent += u.Bytes
	}
	c.uploads, c.bytes, c.most = c.uploads+len(v.operator.Uploads()), c.bytes+sent, max(c.most, sent)
	if v.told > 0 {
		c.first = append(c.first, v.told)
	}
}

// visit is the half hour of one client.
type visit struct {
	agent.Transport
	operator *agenttest.Operator
	began    time.Time
	outage   bool
	timed    bool          // requests have durations
	told     time.Duration // from the outage's beginning to the first report of it; 0: none
}

func newVisit(t *testing.T, earlyMS uint64, outage bool) *visit {
	o := agenttest.For(t)
	if err := o.ChangePolicy(func(p *policy.Policy) {
		p.WindowMS, p.SuccessPPM, p.EarlyMS = policy.DefaultWindowMS, policy.DefaultSuccessPPM, earlyMS
	}); err != nil {
		t.Fatal(err)
	}
	return &visit{Transport: o.Transport(), operator: o, began: time.Now(), outage: outage}
}

// Deliver notes the first report with a failure since the outage began.
func (v *visit) Deliver(ctx context.Context, c policy.Collector, id report.BatchID, delivery, segment []byte) agent.Response {
	r := v.Transport.Deliver(ctx, c, id, delivery, segment)
	windows := v.operator.Seen().Windows
	if at := time.Since(v.began) - outageBegins; v.outage && v.told == 0 && at > 0 && failedIn(windows[len(windows)-1]) {
		v.told = at
	}
	return r
}

func failedIn(w *report.Window) bool {
	return slices.ContainsFunc(w.Counters, func(c report.Counter) bool { return c.Outcome != report.OK })
}

func (v *visit) live(t *testing.T, seed uint64) {
	options := v.operator.Options(report.Counts)
	options.Transport, options.Rand = v, rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	a, err := agent.New(options)
	if err != nil {
		t.Error(err)
		return
	}
	rng := rand.New(rand.NewPCG(seed, 7))
	times := rand.New(rand.NewPCG(seed, 8)) // so that the rest is the same with and without them
	bad := rng.Float64() < 0.03
	for time.Since(v.began) < earlyTime {
		time.Sleep(time.Duration(rng.ExpFloat64() * float64(earlyEvery)))
		at := time.Since(v.began)
		down := v.outage && at >= outageBegins && at < outageEnds
		o := observation(down || bad && rng.Float64() < 0.1)
		if v.timed {
			o.Elapsed = time.Duration(80 * math.Exp(0.8*times.NormFloat64()) * float64(time.Millisecond))
			if down {
				o.Elapsed = 30 * time.Second
			}
		}
		a.Observe(o)
	}
	_ = a.Shutdown(context.Background())
}

func observation(failed bool) agent.Observation {
	if failed {
		return agent.Observation{Scheme: "https", Host: "shop.example", Outcome: report.TCPTimedOut}
	}
	return agent.Observation{Scheme: "https", Host: "shop.example", Outcome: report.OK, Protocol: "h2", Status: 200}
}
