package judgement

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

const worldStart = 1_700_006_400_000 // a Wednesday, 0:00 UTC

// world is a seeded simulation of clients that visit a service, of the windows that their agents
// send, and of the times at which these arrive.
type world struct {
	rng       *rand.Rand
	networks  []network
	cum       []float64
	countries int
	servers   int
	targets   int
	rate      float64 // requests per second on average
	diurnal   float64
	versions  []float64 // shares
	fault     func(at int64, q *request)
	extra     func(second int64) []Row
	offline   func(v *visit, at int64) int64 // ms by which what ends at at is delivered late

	second  int64
	pending map[int64][]Row
	noise   map[uint32]gammaNoise
}

type network struct {
	asn     uint32
	country string
	share   float64
}

type gammaNoise struct {
	minute int64
	factor float64
}

type visit struct {
	client    uint64
	asn       uint32
	country   string
	version   string
	os        string
	bucket    report.Bucket
	bad       bool
	collector string
}

type request struct {
	*visit
	target   string
	server   string
	protocol string
	status   uint16
	outcome  report.Outcome
}

func newWorld(seed uint64) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 3)), countries: 30, servers: 20, targets: 1, rate: 100, diurnal: 0.6, versions: []float64{0.9, 0.1},
		pending: map[int64][]Row{}, noise: map[uint32]gammaNoise{}, second: worldStart / 1000}
	w.zipf(1000, 0.095)
	return w
}

// zipf makes n networks, the largest with a share.
func (w *world) zipf(n int, largest float64) {
	s := 0.5
	for ; s < 3; s += 0.001 { // the exponent that gives the largest its share
		sum := 0.0
		for i := 1; i <= n; i++ {
			sum += math.Pow(float64(i), -s)
		}
		if 1/sum >= largest {
			break
		}
	}
	total := 0.0
	for i := range n {
		share := math.Pow(float64(i+1), -s)
		total += share
		w.networks = append(w.networks, network{asn: uint32(64500 + i), country: country(w.rng.IntN(w.countries)), share: share})
	}
	cum := 0.0
	for i := range w.networks {
		w.networks[i].share /= total
		cum += w.networks[i].share
		w.cum = append(w.cum, cum)
	}
}

func country(i int) string { return string([]byte{'A' + byte(i/26), 'A' + byte(i%26)}) }

func serverName(i int) string { return fmt.Sprintf("192.0.2.%d:443", i+1) }

// near is the network whose share is closest to a fraction.
func (w *world) near(share float64) uint32 {
	return slices.MinFunc(w.networks, func(a, b network) int {
		return cmp.Compare(math.Abs(a.share-share), math.Abs(b.share-share))
	}).asn
}

// nearCountry is the country whose share is closest to a fraction.
func (w *world) nearCountry(share float64) string {
	sums := map[string]float64{}
	for _, n := range w.networks {
		sums[n.country] += n.share
	}
	best := ""
	for i := range w.countries {
		if c := country(i); best == "" || math.Abs(sums[c]-share) < math.Abs(sums[best]-share) {
			best = c
		}
	}
	return best
}

func (w *world) gamma(shape float64) float64 { // Marsaglia and Tsang, shape ≥ 1
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := w.rng.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(w.rng.Float64()) < 0.5*x*x+d-d*v+d*math.Log(v) {
			return d * v / shape
		}
	}
}

func (w *world) noiseOf(asn uint32) float64 {
	minute := w.second / 60
	n := w.noise[asn]
	if n.minute != minute {
		n = gammaNoise{minute, w.gamma(4)}
		w.noise[asn] = n
	}
	return n.factor
}

const (
	requestsPerVisit = 6
	gapSeconds       = 8.0
	sampledShare     = 0.05
)

// tick passes a second and returns the rows that arrive in it, in order.
func (w *world) tick() []Row {
	now := w.second
	hours := float64(now%86400) / 3600
	rate := w.rate * (1 + w.diurnal*math.Sin(2*math.Pi*(hours-1)/24)) / requestsPerVisit
	for p := w.rng.ExpFloat64(); p < rate; p += w.rng.ExpFloat64() {
		w.visit(now*1000 + w.rng.Int64N(1000))
	}
	if w.extra != nil {
		w.pending[now] = append(w.pending[now], w.extra(now)...)
	}
	rows := w.pending[now]
	delete(w.pending, now)
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(a.Arrived, b.Arrived) })
	w.second++
	return rows
}

func (w *world) visit(at int64) {
	i, _ := slices.BinarySearch(w.cum, w.rng.Float64())
	n := &w.networks[min(i, len(w.networks)-1)]
	v := &visit{asn: n.asn, country: n.country, bad: w.rng.Float64() < 0.03, client: w.rng.Uint64(), bucket: report.Bucket(w.rng.IntN(4096)), os: []string{"linux", "android", "ios"}[w.rng.IntN(3)], collector: []string{"c1", "c2"}[w.rng.IntN(2)]}
	pick := w.rng.Float64()
	for k, share := range w.versions {
		if pick -= share; pick < 0 || k == len(w.versions)-1 {
			v.version = fmt.Sprintf("1.4.%d", k)
			break
		}
	}
	w.windows(v, at)
}

// windows simulates a visit and queues the windows that its agent sends.
func (w *world) windows(v *visit, at int64) {
	noise := w.noiseOf(v.asn)
	protocol := []string{"h2", "h3"}[w.rng.IntN(2)]
	more := 1 - 1.0/requestsPerVisit
	var open []Row
	end, failedBefore, failed := at+60_000, false, false
	flush := func() {
		if len(open) > 0 {
			w.send(open, v, end, failed)
		}
		open, failedBefore, failed = nil, failed, false
	}
	for {
		for at > end {
			flush()
			end += 60_000
		}
		q := request{visit: v, target: fmt.Sprintf("https://shop%d.example", w.rng.IntN(w.targets)), server: serverName(w.rng.IntN(w.servers)), protocol: protocol, outcome: report.OK, status: 200}
		p := 0.001 * noise
		if v.bad {
			p = 0.3
		}
		if w.rng.Float64() < p {
			q.outcome = []report.Outcome{report.TCPTimedOut, report.TCPReset, report.HTTPError, report.DNSTimedOut}[w.rng.IntN(4)]
		}
		if w.fault != nil {
			w.fault(at, &q)
		}
		q.settle()
		open = add(open, &q, at)
		if q.outcome != report.OK && !failed {
			failed = true
			if !failedBefore {
				end = min(end, at+2000+w.rng.Int64N(6000))
			}
		}
		if w.rng.Float64() >= more {
			break
		}
		at += int64(w.rng.ExpFloat64() * gapSeconds * 1000)
	}
	flush()
}

// settle takes from a failed request what it cannot know.
func (q *request) settle() {
	if q.outcome == report.OK {
		return
	}
	if !q.outcome.Under("http") {
		q.status, q.protocol = 0, ""
	}
	if q.outcome.Under("dns") {
		q.server = ""
	}
}

func add(rows []Row, q *request, at int64) []Row {
	for i := range rows {
		r := &rows[i]
		if r.Target == q.target && r.Outcome == q.outcome && r.Server == q.server && r.Protocol == q.protocol && r.Status == q.status {
			r.Raw++
			r.At = at
			return rows
		}
	}
	return append(rows, Row{At: at, App: "shop", Version: q.version, OS: q.os, Target: q.target, Outcome: q.outcome, Protocol: q.protocol, Status: q.status,
		Server: q.server, Source: report.SourceAgent, ASN: q.asn, Country: q.country, Collector: q.collector, Bucket: q.bucket, Client: q.client, Raw: 1})
}

func (w *world) send(rows []Row, v *visit, end int64, failed bool) {
	weight := 1.0
	if !failed {
		if w.rng.Float64() >= sampledShare {
			return
		}
		weight = 1 / sampledShare
	}
	arrived := end + 200 + w.rng.Int64N(1500)
	if w.offline != nil {
		arrived += w.offline(v, end)
	}
	for i := range rows {
		rows[i].Arrived = arrived
		rows[i].Estimated = float64(rows[i].Raw) * weight
	}
	w.pending[arrived/1000] = append(w.pending[arrived/1000], rows...)
}

// run passes time and returns what the judge said.
func (w *world) run(j *Judge, d time.Duration) []Event {
	var events []Event
	for range int(d.Seconds()) {
		for _, r := range w.tick() {
			j.Add(r)
		}
		events = append(events, j.Advance(w.second*1000)...)
	}
	return events
}

func newJudge(t testing.TB, o Options) *Judge {
	t.Helper()
	j, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func show(t testing.TB, start int64, events []Event) {
	for _, e := range events {
		t.Logf("%6.0f s %s #%d onset %.0f %v %v %v page %v scope %+v share %.2f failed %.0f of %.0f (%.1f) clients %d buckets %d networks %d severity %.0f", float64(e.Judged-start)/1000, e.Kind, e.ID,
			float64(e.Onset-start)/1000, e.Target, e.Outcomes, e.Verdict, e.Page, e.Scope, e.Share, e.Failed, e.Requests, e.Expected, e.Clients, e.Buckets, e.Networks, e.Severity)
	}
}

// scenario is a fault and what is to be said of it.
type scenario struct {
	name    string
	fault   func(w *world, start int64) func(at int64, q *request)
	scope   func(w *world) Scope
	verdict model.Verdict
	lasts   time.Duration
}

func fails(q *request, o report.Outcome) { q.outcome = o }

var scenarios = []scenario{
	{"network of 0.1 % dark", dark(0.001), scopeASN(0.001), model.NetworkPath, 15 * time.Minute},
	{"network of 1 % dark", dark(0.01), scopeASN(0.01), model.NetworkPath, 10 * time.Minute},
	{"network of 10 % dark", dark(0.095), scopeASN(0.095), model.NetworkPath, 10 * time.Minute},
	{"a server dead", func(w *world, start int64) func(int64, *request) {
		return func(at int64, q *request) {
			if q.server == serverName(3) {
				fails(q, report.TCPRefused)
			}
		}
	}, func(w *world) Scope { return Scope{Server: []string{serverName(3)}} }, model.ServerGroup, 10 * time.Minute},
	{"DNS in a country", func(w *world, start int64) func(int64, *request) {
		c := w.nearCountry(0.04)
		return func(at int64, q *request) {
			if q.country == c {
				fails(q, report.DNSTimedOut)
			}
		}
	}, func(w *world) Scope { return Scope{Country: []string{w.nearCountry(0.04)}} }, model.DNS, 10 * time.Minute},
	{"loss of 10 % in a network of 5 %", func(w *world, start int64) func(int64, *request) {
		asn := w.near(0.05)
		return func(at int64, q *request) {
			if q.asn == asn && w.rng.IntN(10) == 0 {
				fails(q, report.TCPTimedOut)
			}
		}
	}, scopeASN(0.05), model.NetworkPath, 10 * time.Minute},
	{"ramp of 1 h in a network of 5 %", ramp(time.Hour), scopeASN(0.05), model.NetworkPath, time.Hour},
	{"ramp of 4 h in a network of 5 %", ramp(4 * time.Hour), scopeASN(0.05), model.NetworkPath, time.Hour},
	{"release", func(w *world, start int64) func(int64, *request) {
		return func(at int64, q *request) {
			if q.version == "1.4.1" && w.rng.IntN(5) == 0 {
				fails(q, report.HTTPError)
				q.status = 500
			}
		}
	}, func(w *world) Scope { return Scope{Version: []string{"1.4.1"}} }, model.Release, 10 * time.Minute},
	{"a server from a country", func(w *world, start int64) func(int64, *request) {
		c := w.nearCountry(0.18)
		return func(at int64, q *request) {
			if q.country == c && q.server == serverName(5) {
				fails(q, report.TCPTimedOut)
			}
		}
	}, func(w *world) Scope {
		return Scope{Server: []string{serverName(5)}, Country: []string{w.nearCountry(0.18)}}
	}, model.NetworkPath, 10 * time.Minute},
	{"everyone", func(w *world, start int64) func(int64, *request) {
		return func(at int64, q *request) {
			if w.rng.IntN(3) == 0 {
				fails(q, report.TCPTimedOut)
			}
		}
	}, func(w *world) Scope { return Scope{} }, model.ServiceDown, 10 * time.Minute},
}

func dark(share float64) func(w *world, start int64) func(int64, *request) {
	return func(w *world, start int64) func(int64, *request) {
		asn := w.near(share)
		return func(at int64, q *request) {
			if q.asn == asn {
				fails(q, report.TCPTimedOut)
			}
		}
	}
}

func scopeASN(share float64) func(w *world) Scope {
	return func(w *world) Scope { return Scope{ASN: []uint32{w.near(share)}} }
}

func ramp(d time.Duration) func(w *world, start int64) func(int64, *request) {
	return func(w *world, start int64) func(int64, *request) {
		asn := w.near(0.05)
		return func(at int64, q *request) {
			if q.asn == asn && w.rng.Float64() < float64(at-start)/float64(d.Milliseconds()) {
				fails(q, report.TCPTimedOut)
			}
		}
	}
}

// play runs a scenario after a time of calm, and lets it end. start is when the fault begins.
func (s *scenario) play(t testing.TB, seed uint64, calm time.Duration) (w *world, start int64, before, events []Event) {
	w = newWorld(seed)
	j := newJudge(t, Options{})
	before = w.run(j, calm+time.Duration(w.rng.IntN(60))*time.Second)
	start = w.second * 1000
	f := s.fault(w, start)
	end := start + s.lasts.Milliseconds()
	w.fault = func(at int64, q *request) {
		if at >= start && at < end {
			f(at, q)
		}
	}
	return w, start, before, w.run(j, s.lasts+5*time.Minute)
}
