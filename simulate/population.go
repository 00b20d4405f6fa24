package simulate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/heliograph-net/heliograph/report"
)

// network is an autonomous system of clients.
type network struct {
	asn     uint32
	country int32 // into population.countries
	share   float64
	first   uint32 // number of its first client
	clients uint32

	firstPrefix uint64 // number of its first prefix; see population.number
	prefixes    uint64 // of its clients, and of floods from it

	minute int64   // the minute for which noise was drawn
	noise  float64 // factor of the failure rate in that minute
}

// population is the set of possible users. The seed determines it.
type population struct {
	seed      uint64
	networks  []network
	upTo      []float64 // cumulated shares of the networks
	countries []string
	servers   []string
	targets   []float64 // cumulated shares
	versions  []float64 // cumulated shares
}

// clientsPerPrefix is how many clients share a /24, and so a bucket.
const clientsPerPrefix = 16

// The operating systems and protocols of clients. They are the same for browsers and agents.
var (
	systems       = []string{"windows", "android", "ios", "darwin", "linux"}
	systemShares  = cumulate([]float64{0.38, 0.27, 0.17, 0.12, 0.06})
	protocols     = []string{"h2", "h3", "http/1.1"}
	protocolShare = cumulate([]float64{0.6, 0.3, 0.1})
)

func newPopulation(seed uint64, w *World) *population {
	rng := rand.New(rand.NewPCG(seed, 1))
	p := &population{seed: seed}
	exponent := zipfExponent(w.Networks, w.LargestNetwork)
	shares := zipf(w.Networks, exponent)
	asns := rng.Perm(w.Networks) // so that small numbers are not large networks
	p.upTo = cumulate(shares)
	p.countries = countryCodes(w.Countries)
	countries := cumulate(zipf(w.Countries, 0.9))
	next := uint32(0)
	for i, share := range shares {
		clients := uint32(max(math.Round(share*float64(w.Clients)), 3))
		p.networks = append(p.networks, network{asn: asnNumber(asns[i]), share: share, first: next, clients: clients,
			prefixes: uint64((clients + clientsPerPrefix - 1) / clientsPerPrefix),
			country:  int32(draw(countries, rng.Float64())), minute: -1})
		next += clients
	}
	for i := range w.Servers {
		p.servers = append(p.servers, fmt.Sprintf("%s:443", serverAddress(i)))
	}
	p.targets = cumulate(zipf(len(w.Targets), 2))
	p.versions = cumulate(zipf(len(w.Versions), 2))
	return p
}

// asnNumber returns the i-th AS number for private use (RFC 6996).
func asnNumber(i int) uint32 {
	if i < 65535-64512 {
		return 64512 + uint32(i)
	}
	return 4_200_000_000 + uint32(i)
}

// serverAddress returns an address for documentation (RFC 5737), or beyond the 254th one for
// benchmarks (RFC 2544).
func serverAddress(i int) string {
	if i < 254 {
		return fmt.Sprintf("192.0.2.%d", i+1)
	}
	return fmt.Sprintf("198.18.%d.%d", i/250, i%250+1)
}

// countryCodes returns n codes: first those that ISO 3166-1 reserves for users (XA to XZ), then
// others.
func countryCodes(n int) []string {
	codes := make([]string, n)
	for i := range codes {
		codes[i] = string([]byte{byte('X' - i/26%24), byte('A' + i%26)})
	}
	return codes
}

// zipf returns n shares that are proportional to 1/k^exponent.
func zipf(n int, exponent float64) []float64 {
	shares, sum := make([]float64, n), 0.0
	for i := range shares {
		shares[i] = math.Pow(float64(i+1), -exponent)
		sum += shares[i]
	}
	for i := range shares {
		shares[i] /= sum
	}
	return shares
}

// zipfExponent returns the exponent with which the largest of n shares has the given size.
func zipfExponent(n int, largest float64) float64 {
	low, high := 0.0, 8.0
	for range 60 {
		mid := (low + high) / 2
		if zipf(n, mid)[0] < largest {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

func cumulate(shares []float64) []float64 {
	up, sum := make([]float64, len(shares)), 0.0
	for i, s := range shares {
		sum += s
		up[i] = sum
	}
	return up
}

// draw returns the index of the interval of upTo, which divides [0, 1), that contains x.
func draw(upTo []float64, x float64) int {
	if len(upTo) <= 8 {
		for i, u := range upTo {
			if x < u {
				return i
			}
		}
		return len(upTo) - 1
	}
	return min(sort.SearchFloat64s(upTo, x), len(upTo)-1)
}

// mix is a hash that need not be secure: SplitMix64's finaliser, applied to each word.
func mix(words ...uint64) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, w := range words {
		h = (h ^ w) + 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// unit converts a hash to a number in [0, 1).
func unit(h uint64) float64 { return float64(h>>11) / (1 << 53) }

const day = 24 * 60 * 60 * 1000 // ms

// token returns a client's token on the day of a time.
func (p *population) token(client uint32, at int64) uint64 {
	return max(mix(p.seed, 2, uint64(at/day), uint64(client)), 1)
}

func (p *population) bucket(prefix uint64, at int64) report.Bucket {
	return report.Bucket(1 + mix(p.seed, 3, uint64(at/day), prefix)%report.MaxBucket)
}

// nearest returns the index of the value that is closest to want.
func nearest(values []float64, want float64) int {
	best := 0
	for i, v := range values {
		if math.Abs(v-want) < math.Abs(values[best]-want) {
			best = i
		}
	}
	return best
}

// countryShares returns each country's share of the traffic.
func (p *population) countryShares() []float64 {
	shares := make([]float64, len(p.countries))
	for _, n := range p.networks {
		shares[n.country] += n.share
	}
	return shares
}

// networksOf returns the AS numbers of n networks of similar size whose shares add up to the given
// one as closely as possible.
func (p *population) networksOf(n int, share float64) []uint32 {
	n = max(n, 1)
	sums := make([]float64, 0, len(p.networks))
	sum := 0.0
	for i := range p.networks {
		sum += p.networks[i].share
		if i >= n {
			sum -= p.networks[i-n].share
		}
		if i >= n-1 {
			sums = append(sums, sum)
		}
	}
	first := nearest(sums, share)
	var asns []uint32
	for _, net := range p.networks[first : first+n] {
		asns = append(asns, net.asn)
	}
	slices.Sort(asns)
	return asns
}
