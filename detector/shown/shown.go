// Package shown clips what is shown of a bin, so that one place cannot make up what dashboards and
// queries say. Start with [Bin].
//
// A place is a bucket in an autonomous system: what collectors saw, however many clients it claims.
// In one bin, the requests that a place reports of one [Population] count up to a limit, which is
// [Factor] times what usual places report, and [Floor] at least. What is beyond it is not shown. It
// is not lost either: the store keeps it, and totals say how much it is.
//
// The usual place is a high one, because honest places differ: one address of a mobile network can
// stand for thousands of clients. It is the highest when those are left out that have the top tenth
// of the votes, but at least three votes and those of the largest network, and at most half of all.
// The places of a network together have as many votes as the root of their number. So neither one
// network nor a few places raise the limit for themselves.
package shown

import (
	"cmp"
	"math"
	"slices"

	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

const (
	// Factor is how many usual places one place may count for.
	Factor = 10
	// Floor is how many reported requests of one place always count.
	Floor = 100

	leastPlaces = 3 // that must be known for a usual one to mean something
	leastLeft   = 3 // votes that are left out at least
)

// Population is whose requests are compared: those of one kind of reporter, for one target of one
// application. It is comparable.
type Population struct {
	App    string
	Target string
	Source report.Source
}

// Bin has what places reported in one bin. The zero value is empty. It is not safe for
// concurrent use.
type Bin struct {
	populations map[Population]*population
}

// population is what the places of a population reported.
type population struct {
	places map[place]uint64
	most   uint64  // of any place
	limit  float64 // 0: not known yet
}

// place is a bucket in an autonomous system.
type place struct {
	asn    uint32
	bucket report.Bucket
}

// Add adds what one cell has. All cells of the bin must be added before the first call of Counts.
// Requests whose bucket is unknown are not compared.
func (b *Bin) Add(of Population, asn uint32, places *sketch.Places) {
	p := b.populations[of]
	if p == nil {
		if b.populations == nil {
			b.populations = map[Population]*population{}
		}
		p = &population{places: map[place]uint64{}}
		b.populations[of] = p
	}
	for o := range places.Each {
		if o.Bucket != 0 {
			at := place{asn, o.Bucket}
			sum := sketch.Sum(p.places[at], o.Raw)
			p.places[at], p.most = sum, max(p.most, sum)
		}
	}
}

// Counts returns what of a cell's estimated requests counts: all of them, unless a place reported
// more than its limit.
func (b *Bin) Counts(of Population, asn uint32, places *sketch.Places, estimated float64) float64 {
	p := b.populations[of]
	if p == nil || p.most <= Floor {
		return estimated
	}
	if p.limit == 0 {
		p.limit = p.usualLimit()
	}
	beyond := 0.0
	for o := range places.Each {
		if sum := float64(p.places[place{asn, o.Bucket}]); sum > p.limit {
			beyond += o.Estimated * (1 - p.limit/sum)
		}
	}
	return max(estimated-beyond, 0)
}

// Clear empties the bin.
func (b *Bin) Clear() { clear(b.populations) }

// vote is what a place reported, and how much it weighs.
type vote struct {
	requests uint64
	weight   float64
}

// usualLimit returns how many requests of one place count; infinity if too few places are known.
func (p *population) usualLimit() float64 {
	if len(p.places) < leastPlaces {
		return math.Inf(1)
	}
	networks := map[uint32]float64{}
	for at := range p.places {
		networks[at.asn]++
	}
	votes, total, largest := make([]vote, 0, len(p.places)), 0.0, 0.0
	for at, requests := range p.places {
		votes = append(votes, vote{requests, 1 / math.Sqrt(networks[at.asn])})
	}
	for _, n := range networks {
		total, largest = total+math.Sqrt(n), max(largest, math.Sqrt(n))
	}
	if len(networks) == 1 { // nobody knows networks, or all are in one: each place votes
		total, largest = float64(len(votes)), 0
		for i := range votes {
			votes[i].weight = 1
		}
	}
	left := min(max(total/10, leastLeft, largest), total/2)
	return max(Floor, Factor*float64(usual(votes, left)))
}

// usual returns the highest value when votes of the weight left are left out.
func usual(votes []vote, left float64) uint64 {
	slices.SortFunc(votes, func(a, b vote) int { return cmp.Compare(b.requests, a.requests) })
	const rounding = 1e-9 // of the sum of weights
	for _, v := range votes {
		if left -= v.weight; left < -rounding {
			return v.requests
		}
	}
	return votes[len(votes)-1].requests
}
