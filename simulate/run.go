package simulate

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"strconv"

	"github.com/heliograph-net/heliograph/report"
)

// Sink receives what the collectors would have, in the order of arrival. The sink may retain the
// values. Its methods are called from one goroutine; an error ends [Run].
type Sink interface {
	Row(Row) error
	Probe(Probe) error
	// Tick says that everything that arrived until a time, in Unix milliseconds, has been passed
	// on. It is called once per simulated second.
	Tick(at int64) error
}

// UploadSink is a [Sink] that receives what a client sends at a time as a whole. [Run] calls Upload
// in place of Row.
type UploadSink interface {
	Sink
	Upload(Upload) error
}

// Upload is what a client sends at a time: the counts of a window, or what a browser or somebody
// who forges reports tells.
type Upload struct {
	// From is the client's address, from the prefix for documentation of RFC 9637. Clients share a
	// /48 if and only if their rows have the same Bucket and network. [WriteNetworks] tells the
	// networks of all addresses.
	From netip.Addr
	// Rows are about the requests and, behind them, about deliveries to collectors (see
	// model.DeliveryApp). The sink must not retain the slice.
	Rows         []Row
	Began, Ended int64 // of the window, Unix milliseconds
	Arrived      int64 // when a collector had it, Unix milliseconds; as in Rows
}

// parcel is an upload that has not arrived yet.
type parcel struct {
	rows         []Row
	from         place
	began, ended int64 // as in Upload
}

// warmUp is how long a world runs before its scenario starts, so that users and open windows are
// there from the start.
const warmUp = 3 * 60 * 1000 // ms

// The kinds of entries in the queue, and what an entry is about; see [world.handle].
const (
	arrival   = iota // of a visitor
	request          // of the visit id
	windowEnd        // of the visit id
	delivery         // of the parcel id
	probing          // of a server by a vantage
)

// world is a running simulation.
type world struct {
	World
	scenario *Scenario
	people   *population
	faults   []*fault
	floods   []*flood
	sink     Sink
	whole    UploadSink // sink, or nil if it takes rows
	rng      *rand.Rand // for users; floods and probes have their own
	probeRNG *rand.Rand

	start, end int64 // Unix milliseconds
	queue      queue
	visits     []visit
	free       []uint32
	parcels    []parcel
	empty      []uint32 // parcels that may be used again
	releases   []Release
	collectors []string
	vantages   []string
}

// Run simulates a scenario with a seed and passes the reports to sink, second by second of
// simulated time, as fast as it can. It returns the sink's first error.
func Run(s *Scenario, seed uint64, sink Sink) error {
	w := newWorld(s, seed)
	w.sink = sink
	w.whole, _ = sink.(UploadSink)
	return w.run()
}

func newWorld(s *Scenario, seed uint64) *world {
	w := &world{World: s.World, scenario: s, people: newPopulation(seed, &s.World), rng: rand.New(rand.NewPCG(seed, 4)),
		probeRNG: rand.New(rand.NewPCG(seed, 5)), start: s.Start.UnixMilli(), releases: s.Releases}
	w.end = w.start + s.Duration.Milliseconds()
	fate := rand.New(rand.NewPCG(seed, 6))
	jitter := func() int64 { return fate.Int64N(s.Jitter.Milliseconds() + 1) }
	for i := range s.Faults {
		w.faults = append(w.faults, settle(&s.Faults[i], w.start, jitter(), w.people, &s.World, fate))
	}
	for i := range s.Floods {
		w.floods = append(w.floods, newFlood(&s.Floods[i], w.start, jitter(), w, rand.New(rand.NewPCG(seed, 100+uint64(i)))))
	}
	w.people.number()
	w.collectors = collectorNames(s.World.Collectors)
	for i := range s.Probes.Vantages {
		w.vantages = append(w.vantages, "v"+strconv.Itoa(i+1))
	}
	return w
}

func collectorNames(n int) (names []string) {
	for i := range n {
		names = append(names, "c"+strconv.Itoa(i+1))
	}
	return names
}

func (w *world) run() error {
	from := w.start - warmUp
	w.queue.now = second(from)
	w.queue.push(entry{at: from + 1, kind: arrival})
	w.scheduleProbes()
	for s := w.queue.now + 1; s*1000 <= w.end; s++ {
		w.queue.advance(s)
		for _, f := range w.floods {
			f.second(w, s)
		}
		for {
			e, ok := w.queue.pop()
			if !ok {
				break
			}
			if err := w.handle(e); err != nil {
				return err
			}
		}
		if s*1000 > w.start {
			if err := w.sink.Tick(s * 1000); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) handle(e entry) error {
	switch e.kind {
	case arrival:
		w.arrive(e.at)
	case request:
		w.request(e)
	case windowEnd:
		w.endWindow(e)
	case probing:
		return w.probe(e)
	case delivery:
		w.empty = append(w.empty, e.id)
		if e.at > w.start {
			return w.arrived(&w.parcels[e.id], e.at)
		}
	}
	return nil
}

// arrived passes on what arrives at a time.
func (w *world) arrived(p *parcel, at int64) error {
	if w.whole != nil {
		return w.whole.Upload(Upload{From: w.people.address(p.from), Rows: p.rows, Began: p.began, Ended: p.ended, Arrived: at})
	}
	for _, r := range p.rows {
		if err := w.sink.Row(r); err != nil {
			return err
		}
	}
	return nil
}

// rate returns the number of requests per second at a time.
func (w *world) rate(at int64) float64 {
	hours := float64(at%day) / float64(day/24)
	return w.RequestsPerSecond * (1 + w.Diurnal*math.Sin(2*math.Pi*(hours-9)/24))
}

// send makes the collector receive rows at a time. They are about requests from began to ended.
func (w *world) send(at int64, from place, began, ended int64, rows ...Row) {
	var id uint32
	if n := len(w.empty); n > 0 {
		id, w.empty = w.empty[n-1], w.empty[:n-1]
	} else {
		id = uint32(len(w.parcels))
		w.parcels = append(w.parcels, parcel{})
	}
	for i := range rows {
		rows[i].Arrived = max(at, rows[i].At)
	}
	w.parcels[id] = parcel{append(w.parcels[id].rows[:0], rows...), from, began, ended}
	w.queue.push(entry{at: at, kind: delivery, id: id})
}

// noisy returns the factor of a network's failure rate in the minute of a time.
func (w *world) noisy(n *network, at int64) float64 {
	if w.NoiseShape == 0 {
		return 1
	}
	if m := at / 60_000; m != n.minute {
		n.minute, n.noise = m, gamma(w.rng, w.NoiseShape)/w.NoiseShape
	}
	return n.noise
}

// gamma draws from the gamma distribution with a shape and scale 1 (Marsaglia and Tsang, 2000).
func gamma(rng *rand.Rand, shape float64) float64 {
	if shape < 1 {
		return gamma(rng, shape+1) * math.Pow(rng.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := rng.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v *= v * v
		if math.Log(rng.Float64()) < 0.5*x*x+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

// poisson draws from the Poisson distribution with a mean.
func poisson(rng *rand.Rand, mean float64) int {
	if mean > 500 {
		return int(max(math.Round(mean+math.Sqrt(mean)*rng.NormFloat64()), 0))
	}
	n := 0
	for p := rng.ExpFloat64(); p < mean; p += rng.ExpFloat64() {
		n++
	}
	return n
}

// span draws from the exponential distribution with a mean, in milliseconds.
func span(rng *rand.Rand, mean float64) int64 { return int64(mean * rng.ExpFloat64()) }

// The outcomes of requests that fail without a fault.
var (
	background = []report.Outcome{report.HTTPError, report.TCPTimedOut, report.TCPReset, report.DNSFailed, report.TLSFailed, report.Abandoned}
	inHouse    = cumulate([]float64{0.4, 0.2, 0.15, 0.05, 0.05, 0.15})
	badLink    = []report.Outcome{report.TCPTimedOut, report.TCPReset, report.DNSTimedOut, report.TCPFailed, report.TCPAddressUnreachable}
	onBadLink  = cumulate([]float64{0.5, 0.15, 0.2, 0.1, 0.05})
)
