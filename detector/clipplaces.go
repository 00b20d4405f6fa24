package detector

import (
	"math"

	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

// leastPlaces is how many places must be known for a median place to mean something.
const leastPlaces = 3

// placeClips limit what one place counts for, however many clients it claims: places are what the
// collector saw. A nil *placeClips limits nothing.
type placeClips struct {
	of    func(sketch.Place) float64
	parts [report.MaxBucket + 1]float64 // of what each place says, the part that counts
}

// newPlaceClips finds the limit: clipFactor times the median place, and no less than two clients
// may count for. It is nil when too few places are known.
func newPlaceClips(cells []*Cell, of func(sketch.Place) float64, client float64) *placeClips {
	var all sketch.Places
	networks := map[uint32]*sketch.Places{}
	for _, c := range cells {
		all.Merge(&c.Places)
		if networks[c.ASN] == nil {
			networks[c.ASN] = &sketch.Places{}
		}
		networks[c.ASN].Merge(&c.Places)
	}
	if all.Count() < leastPlaces {
		return nil
	}
	var votes []vote
	for _, n := range networks {
		for p := range n.Each {
			if p.Bucket != 0 {
				votes = append(votes, vote{of(p), 1 / math.Sqrt(float64(n.Count()))})
			}
		}
	}
	limit := max(clipFactor*medianVote(votes), 2*client)
	k := &placeClips{of: of}
	for p := range all.Each {
		k.parts[p.Bucket] = 1
		if n := of(p); p.Bucket != 0 && n > limit {
			k.parts[p.Bucket] = limit / n
		}
	}
	return k
}

// clip is the most that a cell counts for.
func (k *placeClips) clip(c *Cell) float64 {
	if k == nil {
		return math.Inf(1)
	}
	sum := 0.0
	known := uint64(0)
	for p := range c.Places.Each {
		sum += k.of(p) * k.parts[p.Bucket]
		known = sketch.Sum(known, p.Raw)
	}
	if known < c.Raw { // some of it was stored by a release that keeps no places
		return math.Inf(1)
	}
	return sum
}
