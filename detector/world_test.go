package detector

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

const (
	shop    = "https://shop.test"
	testBin = 2 * time.Second
)

// world is a seeded simulation of clients that report bin by bin, as their collector and the store
// would pass it on.
type world struct {
	rng        *rand.Rand
	networks   int     // AS64501 and up
	clients    int     // per network
	servers    int     // of the shop
	rate       float64 // requests per client and bin
	background float64 // fraction of requests that fail by themselves
	sampled    float64 // probability of sending a window without failure
	fault      func(bin int, r *request)
	upload     func(bin int, asn uint32) []model.Count // deliveries, if any
}

// request is what a fault may turn into a failure.
type request struct {
	asn     uint32
	client  uint64
	server  string
	outcome report.Outcome
}

func newWorld(seed uint64) *world {
	return &world{rng: rand.New(rand.NewPCG(seed, 7)), networks: 5, clients: 30, servers: 12, rate: 2, background: 0.01, sampled: 0.25}
}

var serverNames = func() (names [12]string) {
	for i := range names {
		names[i] = fmt.Sprintf("192.0.2.%d:443", i+1)
	}
	return names
}()

func server(i int) string { return serverNames[i] }

// bin makes the cells of one bin.
func (w *world) bin(bin int) []model.Count {
	var cells []model.Count
	for n := range w.networks {
		asn := uint32(64501 + n)
		for c := range w.clients {
			cells = append(cells, w.window(bin, asn, uint64(n)<<32|uint64(c+1))...)
		}
		if w.upload != nil {
			cells = append(cells, w.upload(bin, asn)...)
		}
	}
	return cells
}

// window is what one client sends of one bin: everything when something failed, a sample otherwise.
func (w *world) window(bin int, asn uint32, client uint64) []model.Count {
	counts := map[request]uint64{}
	failed := false
	for range w.poisson(w.rate) {
		r := request{asn, client, server(w.rng.IntN(w.servers)), report.OK}
		if w.rng.Float64() < w.background {
			r.outcome = []report.Outcome{report.TCPTimedOut, report.TCPReset, report.HTTPError}[w.rng.IntN(3)]
		}
		if w.fault != nil {
			w.fault(bin, &r)
		}
		failed = failed || r.outcome != report.OK
		counts[r]++
	}
	weight := 1.0
	if !failed {
		if w.rng.Float64() >= w.sampled {
			return nil
		}
		weight = 1 / w.sampled
	}
	var cells []model.Count
	for r, n := range counts {
		cells = append(cells, model.Count{Series: model.Series{App: "shop", Target: shop, Outcome: r.outcome, Server: r.server, ASN: asn, Country: "XA",
			Source: report.SourceAgent}, Client: client, Raw: n, Estimated: float64(n) * weight})
	}
	return cells
}

func (w *world) poisson(mean float64) int {
	n := 0
	for p := w.rng.ExpFloat64(); p < mean; p += w.rng.ExpFloat64() {
		n++
	}
	return n
}

// fold makes cells of what single clients did.
func fold(counts []model.Count) []Cell {
	counts = slices.Clone(counts)
	for i := range counts {
		counts[i].Client = sketch.Hash(sketch.Key{}, counts[i].Client)
	}
	return Fold(counts)
}

// moment is an event and the bin, counted from 0, after which it came.
type moment struct {
	bin int
	model.Event
}

// play runs bins from..to-1 through d.
func (w *world) play(d *SeriesDetector, from, to int) []moment {
	var all []moment
	for b := from; b < to; b++ {
		for _, e := range d.Step(binEnd(b), fold(w.bin(b))) {
			all = append(all, moment{b, e})
		}
	}
	return all
}

func binEnd(b int) time.Time { return time.Unix(1_700_000_000, 0).Add(time.Duration(b+1) * testBin) }

func newSeriesDetector(t testing.TB, thresholds Thresholds) *SeriesDetector {
	t.Helper()
	d, err := NewSeriesDetector(SeriesOptions{Bin: testBin, Thresholds: thresholds, NetworkName: func(asn uint32) string {
		return map[uint32]string{64502: "Harbour Net"}[asn]
	}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// ofKind are the moments of one kind.
func ofKind(all []moment, kind model.EventKind) []moment {
	return slices.DeleteFunc(slices.Clone(all), func(m moment) bool { return m.Kind != kind })
}

func dump(t testing.TB, all []moment) {
	for _, m := range all {
		t.Logf("bin %d %v #%d %s %+v also %v", m.bin, m.Kind, m.Incident.ID, m.Incident.Title, m.Incident.Scope, m.Incident.Also)
	}
}
