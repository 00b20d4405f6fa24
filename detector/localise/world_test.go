package localise

import (
	"math"
	"math/rand/v2"
)

// The attributes of the world's table.
const (
	byNetwork = iota
	byServer
	byCountry
	byVersion
	byOS
	byProtocol
	byTarget
)

// request is one request's values; 0 is not used.
type request struct{ network, server, country, version, os, protocol, target uint32 }

func (r request) values() [7]uint32 {
	return [7]uint32{r.network, r.server, r.country, r.version, r.os, r.protocol, r.target}
}

// world draws requests: 1,000 networks of which the largest has 9.5 % of the requests, in 30
// countries, 20 servers, 5 versions, 4 systems, two protocols and 120 origins. 5 % of all requests
// fail, in some networks more and in others less; and each network has better and worse minutes.
type world struct {
	rand    *rand.Rand
	reach   []float64 // cumulated shares of the networks
	share   []float64
	country []uint32
	usual   []float64 // failure rate by network
	now     []float64 // the same in the present period
	index   map[[7]uint32]int
	values  [][7]uint32
	leaves  []Leaf
}

const (
	networks = 1000
	base     = 0.05
)

func newWorld(seed uint64) *world {
	w := &world{rand: rand.New(rand.NewPCG(seed, 1)), index: make(map[[7]uint32]int)}
	total := 0.0
	for i := range networks {
		w.share = append(w.share, math.Pow(float64(i+1), -0.95))
		total += w.share[i]
	}
	sum := 0.0
	for i := range networks {
		w.share[i] /= total
		sum += w.share[i]
		w.reach = append(w.reach, sum)
		w.country = append(w.country, 1+uint32(w.rand.IntN(30)))
		w.usual = append(w.usual, base*math.Exp(0.4*w.rand.NormFloat64()))
	}
	w.now = make([]float64, networks)
	return w
}

// minute draws the networks' rates anew: they vary by 10 % from one minute to the next.
func (w *world) minute() {
	for i := range w.now {
		w.now[i] = w.usual[i] * math.Exp(0.1*w.rand.NormFloat64())
	}
}

func (w *world) request() request {
	u := w.rand.Float64() * w.reach[networks-1]
	lo, hi := 0, networks-1
	for lo < hi {
		if mid := (lo + hi) / 2; w.reach[mid] < u {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return request{
		network: uint32(lo + 1), country: w.country[lo], server: 1 + uint32(w.rand.IntN(20)),
		version: pick(w.rand, 0.55, 0.3, 0.1, 0.04, 0.01), os: pick(w.rand, 0.4, 0.3, 0.2, 0.1),
		protocol: pick(w.rand, 0.6, 0.4), target: 1 + uint32(w.rand.IntN(120)),
	}
}

// pick returns 1, 2, … with the given probabilities.
func pick(r *rand.Rand, shares ...float64) uint32 {
	u := r.Float64()
	for i, s := range shares {
		if u -= s; u < 0 {
			return uint32(i + 1)
		}
	}
	return uint32(len(shares))
}

// leaf keeps no origin unless the test is about origins: the leaves would be thinner than
// in practice.
func (w *world) leaf(r request, targets bool) *Leaf {
	if !targets {
		r.target = 0
	}
	at, known := w.index[r.values()]
	if !known {
		at = len(w.leaves)
		w.index[r.values()] = at
		w.values = append(w.values, r.values())
		w.leaves = append(w.leaves, Leaf{})
	}
	return &w.leaves[at]
}

// before draws the requests of the time before the fault.
func (w *world) before(minutes, perMinute int, targets bool) {
	for range minutes {
		w.minute()
		for range perMinute {
			r := w.request()
			l := w.leaf(r, targets)
			l.UsualRequests++
			if w.rand.Float64() < w.now[r.network-1] {
				l.UsualFailed++
			}
		}
	}
}

// during draws the requests of the fault: those that it hits fail with the probability that hit
// returns, in addition to what fails anyway.
func (w *world) during(minutes, perMinute int, targets bool, hit func(request) float64) {
	for range minutes {
		w.minute()
		for range perMinute {
			r := w.request()
			l := w.leaf(r, targets)
			l.Requests++
			if w.rand.Float64() < w.now[r.network-1] || w.rand.Float64() < hit(r) {
				l.Failed++
				l.Buckets++
			}
		}
	}
}

func (w *world) table() *Table {
	t := NewTable("asn", "server", "country", "version", "os", "protocol", "target")
	for i, l := range w.leaves {
		if l != (Leaf{}) {
			t.Add(w.values[i][:], l)
		}
	}
	return t
}

// clear forgets the present requests and keeps the past ones.
func (w *world) clear() {
	for i := range w.leaves {
		l := &w.leaves[i]
		l.Failed, l.Requests, l.Buckets = 0, 0, 0
	}
}
