package shown

import (
	"cmp"
	"math"
	"slices"

	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

const (
	leastPlaces   = 5 // that must report something to make it known
	leastNetworks = 4 // that they must be in, or all that the bin has
	leastAtAll    = 3 // places without which there is nothing to compare with
	leastLeft     = 3 // votes that are left out at least, see package shown
)

var unlimited = math.Inf(1)

// place is a bucket in an autonomous system.
type place struct {
	asn    uint32
	bucket report.Bucket
}

// tally is how many requests places reported.
type tally struct {
	places   map[place]uint64
	networks map[uint32]float64 // how many of the places each has
	most     uint64             // of any place
	limit    float64            // 0: not known yet
}

func newTally() *tally {
	return &tally{places: map[place]uint64{}, networks: map[uint32]float64{}}
}

func (t *tally) add(at place, requests uint64) {
	before, known := t.places[at]
	if !known {
		t.networks[at.asn]++
	}
	sum := sketch.Sum(before, requests)
	t.places[at], t.most = sum, max(t.most, sum)
}

func (t *tally) merge(o *tally) {
	for at, requests := range o.places {
		t.add(at, requests)
	}
}

// vote is what a place reported, and how much it weighs.
type vote struct {
	requests uint64
	weight   float64
}

// usualLimit returns how many requests of one place count.
func (t *tally) usualLimit() float64 {
	if t.limit == 0 {
		votes, left := t.votes()
		t.limit = max(Floor, Factor*float64(usual(votes, left)))
	}
	return t.limit
}

// votes returns the votes of the places, and how many of the highest are left out.
func (t *tally) votes() (votes []vote, left float64) {
	one := len(t.networks) == 1 // then each place has a vote
	total, largest := 0.0, 0.0
	for at, requests := range t.places {
		weight := 1.0
		if !one {
			weight = 1 / math.Sqrt(t.networks[at.asn])
		}
		votes = append(votes, vote{requests, weight})
		total += weight
	}
	if !one {
		for _, n := range t.networks {
			largest = max(largest, math.Sqrt(n))
		}
	}
	return votes, min(max(total/10, leastLeft, largest), total/2)
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
