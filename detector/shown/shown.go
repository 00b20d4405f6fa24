// Package shown clips what is shown of a bin, so that few places cannot make up what dashboards and
// queries say. Start with [Bin].
//
// A place is a bucket in an autonomous system: what collectors saw, however many clients it claims.
// In one bin, the requests that a place reports of a [Population] count up to a limit, which is
// [Factor] times what usual places report of it, and [Floor] at least. What is beyond it is not
// shown. It is not lost either: the store keeps it, and totals say how much it is.
//
// The usual place is a high one, because honest places differ: one address of a mobile network can
// stand for thousands of clients. It is the highest when those are left out that have the top tenth
// of the votes, but at least three votes and those of the largest network, and at most half of all.
// The places of a network together have as many votes as the root of their number. So neither one
// network nor a few places raise the limit for themselves.
//
// Nor may they escape it under invented names. A population is known if some places in some
// networks report it. What a place reports of those that are not counts together: for a known
// target up to that target's limit, and for all others up to that of the whole bin, or
// [LonelyFloor] if that is more.
package shown

import (
	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

const (
	// Factor is how many usual places one place may count for.
	Factor = 10
	// Floor is how many reported requests of one place always count.
	Floor = 100
	// LonelyFloor is likewise for all targets together that hardly anybody else reports.
	LonelyFloor = 1000
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
	populations map[Population]*tally
	networks    map[uint32]struct{} // that anything is known of
	// lonely are what places report of populations that are not known; made by settle
	targets map[string]*lonely
	rest    *lonely
}

// lonely is what places report of populations that are not known, by place.
type lonely struct {
	tally        // of all populations, to compare with
	own   *tally // of those that are not known
}

// Add adds what one cell has. All cells of the bin must be added before the first call of Counts.
// Requests whose bucket is unknown are not compared.
func (b *Bin) Add(of Population, asn uint32, places *sketch.Places) {
	p := b.populations[of]
	if p == nil {
		if b.populations == nil {
			b.populations, b.networks = map[Population]*tally{}, map[uint32]struct{}{}
		}
		p = newTally()
		b.populations[of] = p
	}
	for o := range places.Each {
		if o.Bucket != 0 {
			p.add(place{asn, o.Bucket}, o.Raw)
			b.networks[asn] = struct{}{}
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
	sums, limit := b.limit(of, p)
	beyond := 0.0
	for o := range places.Each {
		if sum := float64(sums.places[place{asn, o.Bucket}]); sum > limit {
			beyond += o.Estimated * (1 - limit/sum)
		}
	}
	return max(estimated-beyond, 0)
}

// limit returns how much one place counts for in a population, and the sums that this limits.
func (b *Bin) limit(of Population, p *tally) (sums *tally, limit float64) {
	if b.knows(p) {
		return p, p.usualLimit()
	}
	if b.targets == nil {
		b.settle()
	}
	if t := b.targets[of.Target]; b.knows(&t.tally) {
		return t.own, t.usualLimit()
	}
	if len(b.rest.places) < leastAtAll {
		return p, unlimited
	}
	return b.rest.own, max(LonelyFloor, b.rest.usualLimit())
}

// knows reports whether enough places tell of the same, in enough networks if these are known.
func (b *Bin) knows(t *tally) bool {
	return len(t.places) >= leastPlaces && len(t.networks) >= min(leastNetworks, len(b.networks))
}

// settle sums what is reported of populations that are not known.
func (b *Bin) settle() {
	b.targets, b.rest = map[string]*lonely{}, newLonely()
	for of, p := range b.populations {
		t := b.targets[of.Target]
		if t == nil {
			t = newLonely()
			b.targets[of.Target] = t
		}
		t.merge(p)
		if b.rest.merge(p); !b.knows(p) {
			t.own.merge(p)
		}
	}
	for _, t := range b.targets {
		if !b.knows(&t.tally) {
			b.rest.own.merge(t.own)
		}
	}
}

func newLonely() *lonely { return &lonely{tally: *newTally(), own: newTally()} }

// Clear empties the bin.
func (b *Bin) Clear() {
	clear(b.populations)
	clear(b.networks)
	b.targets, b.rest = nil, nil
}
