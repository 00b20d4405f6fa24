package detector

import (
	"cmp"
	"math"
	"slices"

	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

// Limits of what one client can count for. Without them one client could fake an outage, or hide
// one behind invented successes.
const (
	clipFactor = 10 // no client counts for more than so many times the median client
	clipFloor  = 10 // and for no less than this many requests
)

// clips are the limits of one bin of one population.
type clips struct {
	whole  map[report.Outcome]float64 // requests of one outcome
	weight float64                    // requests that one reported request may stand for
	places *placeClips                // of all outcomes together
}

// newClips finds the limits. Clipped are both the requests that a client reports and the weight
// that it claims for them (one over the probability with which it sends a window without failures),
// because either could be invented to hide an outage. The honest weights are all alike: they come
// from one policy.
func newClips(cells []*Cell) *clips {
	byOutcome := map[report.Outcome][]*Cell{}
	for _, c := range cells {
		byOutcome[c.Outcome] = append(byOutcome[c.Outcome], c)
	}
	k := &clips{whole: make(map[report.Outcome]float64, len(byOutcome)), weight: weightLimit(cells)}
	k.places = newPlaceClips(cells, func(p sketch.Place) float64 { return p.Estimated }, wholeLimit(cells))
	for o, cells := range byOutcome {
		k.whole[o] = wholeLimit(cells)
	}
	return k
}

// exposure is what a cell counts for as exposure.
func (k *clips) exposure(c *Cell) float64 {
	limit := k.whole[c.Outcome]
	sum := 0.0
	for b := range c.Spread.Buckets {
		sum += float64(b.Raw) * min(1, limit/b.Whole()) * min(b.Weight(), k.weight)
	}
	return min(sum, float64(c.Clients.Count())*limit*k.weight, k.places.clip(c))
}

// clippedRaw is what a cell counts for in failures.
func clippedRaw(c *Cell, limit float64, places *placeClips) float64 {
	sum := 0.0
	for b := range c.Spread.Buckets {
		sum += float64(b.Raw) * min(1, limit/b.Whole())
	}
	return min(sum, float64(c.Clients.Count())*limit, places.clip(c))
}

// wholeLimit is how many requests one client may count for.
func wholeLimit(cells []*Cell) float64 {
	m := medianOf(cells, sketch.Bucket.Whole, func(float64) bool { return true })
	return max(clipFloor, clipFactor*m)
}

// weightLimit is how many requests one reported request may stand for.
func weightLimit(cells []*Cell) float64 {
	m := medianOf(cells, sketch.Bucket.Weight, func(w float64) bool { return w > 1 })
	return max(1, clipFactor*m)
}

// sampledFraction is the fraction of failures that is reported: one for agents, less for browsers
// whose policy says so. All honest clients claim the same, so the median client's is taken: a sum
// would let one client shrink the exposure of all.
func sampledFraction(cells []*Cell) float64 {
	m := medianOf(cells, sketch.Bucket.Weight, func(float64) bool { return true })
	return 1 / max(m, 1)
}

// medianOf is the median client's value of something that buckets of clients tell, among those that
// count; 0 when there are none. Networks have a vote that grows as the root of their clients, and
// no more clients than placeVotes for each place: else one machine with many tokens would be the
// median.
func medianOf(cells []*Cell, of func(sketch.Bucket) float64, counts func(float64) bool) float64 {
	votes := networkVotes(cells)
	var all []vote
	for _, c := range cells {
		scale := distinctness(c) * votes[c.ASN]
		for b := range c.Spread.Buckets {
			if v := of(b); counts(v) {
				all = append(all, vote{v, b.Clients * scale})
			}
		}
	}
	return medianVote(all)
}

// placeVotes is how many clients of one place have a vote.
const placeVotes = 8

// networkVotes is, by network, the vote of each of its clients.
func networkVotes(cells []*Cell) map[uint32]float64 {
	clients, places := map[uint32]float64{}, map[uint32]*sketch.Places{}
	for _, c := range cells {
		clients[c.ASN] += float64(c.Clients.Count())
		if places[c.ASN] == nil {
			places[c.ASN] = &sketch.Places{}
		}
		places[c.ASN].Merge(&c.Places)
	}
	for asn, n := range clients {
		real := n
		if p := places[asn]; p.Count() > 0 && !p.Unknown() {
			real = min(n, placeVotes*float64(p.Count()))
		}
		clients[asn] = math.Sqrt(real) / max(n, 1)
	}
	return clients
}

// vote is one value with its weight in a median.
type vote struct{ value, weight float64 }

// medianVote is the weighted median; 0 when there are no votes.
func medianVote(all []vote) float64 {
	total := 0.0
	for _, v := range all {
		total += v.weight
	}
	slices.SortFunc(all, func(a, b vote) int { return cmp.Compare(a.value, b.value) })
	for _, v := range all {
		if total -= 2 * v.weight; total <= 0 {
			return v.value
		}
	}
	if len(all) > 0 {
		return all[len(all)-1].value
	}
	return 0
}

// distinctness scales the clients of a cell's histogram down to the distinct ones: one that comes
// in many batches is still one, and must not be the median.
func distinctness(c *Cell) float64 {
	clients := 0.0
	for b := range c.Spread.Buckets {
		clients += b.Clients
	}
	return min(1, float64(c.Clients.Count())/max(clients, 1))
}
