package detector

import (
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

const (
	clipFactor  = 10 // no client counts for more than this multiple of the median client
	clipFloor   = 10 // the least limit, in requests
	leastPlaces = 3  // places that must be known for their median to mean something
	// most requests of one outcome that count for a client in a bin, if so few places report about
	// the target that the usual number is unknown
	lonelyLimit = 10_000
	// most requests that one reported request may stand for while the usual number is unknown
	lonelyWeight   = 1_000
	maxScales      = 10_000 // populations that are remembered
	maxScalePlaces = 4096   // places that are remembered of each
)

// populationKey identifies a population: the requests of one application to one target, reported by
// one kind of source.
type populationKey struct {
	app    string
	target string
	source report.Source
}

// scale learns how many requests clients usually report, and removes what exceeds clipFactor times
// that number before it is stored. So one client can distort neither the judgement nor the numbers
// shown. It belongs to the keeper.
type scale struct {
	populations map[populationKey]*loudness
	weights     loudness // the weights that windows without failures claim
}

// loudness is a histogram of what places report.
type loudness struct {
	votes  [65]float64 // by the logarithm to base 2
	total  float64     // of votes
	places map[place]vote
}

// vote is the last vote of a place.
type vote struct {
	minute int64
	client uint64  // whose window it is
	weight float64 // of the window: its length in minutes, at most one
	value  uint8   // the logarithm
}

// fullWindow is how long a window is that says by itself what is usual in a minute.
const fullWindow = time.Minute

// weightOf returns the weight of what is reported of a window, more than 0 and at most 1. Agents
// end a window early when its first request fails, so most windows in a bad minute are short and
// have a request or two: they would say that hardly anything is usual.
func weightOf(length time.Duration) float64 {
	if length <= 0 || length >= fullWindow {
		return 1
	}
	return float64(length) / float64(fullWindow)
}

// vote adds what a client at a place reports of a window. A place has one vote per minute, which is
// that of its longest window, by what the window has the most of.
func (l *loudness) vote(from place, minute int64, value uint64, client uint64, weight float64) {
	if l.places == nil || len(l.places) >= maxScalePlaces {
		l.places = map[place]vote{}
	}
	v := vote{minute, client, weight, uint8(bits.Len64(value))}
	if old, voted := l.places[from]; voted && old.minute == minute {
		if v.weight < old.weight || v.weight == old.weight && (v.client != old.client || v.value <= old.value) {
			return
		}
		back := min(old.weight, l.votes[old.value]) // some may have faded since
		l.votes[old.value] -= back
		l.total -= back
	}
	l.places[from] = v
	l.votes[v.value] += weight
	if l.total += weight; l.total > maxScalePlaces { // old votes count less
		l.total = 0
		for i := range l.votes {
			l.votes[i] /= 2
			l.total += l.votes[i]
		}
	}
}

// usual is the median vote, rounded up to a power of 2; known is false when too few places voted.
func (l *loudness) usual() (value float64, known bool) {
	if l == nil || len(l.places) < leastPlaces || l.total <= 0 {
		return 0, false
	}
	rest := l.total / 2
	for i, n := range l.votes {
		if rest -= n; rest <= 0 {
			return math.Ldexp(1, i), true
		}
	}
	return 0, false
}

// beyond is how many requests are left out because their clients report too many.
type beyond struct{ ok, failed float64 }

// clip removes from the counts of a page what their clients are unlikely to have done, and returns
// how much that is.
func (s *scale) clip(now time.Time, counts []model.Count) (b beyond) {
	voices, sums := wholes(counts)
	minute := now.Unix() / 60
	calm := !slices.ContainsFunc(counts, func(c model.Count) bool { return c.Outcome != report.OK && !c.Delivery() })
	for i := range counts {
		s.learn(&counts[i], sums[voices[i]], minute, calm)
	}
	for i := range counts {
		c := &counts[i]
		weight := min(c.Estimated/float64(max(c.Raw, 1)), s.weightLimit())
		part := min(1, s.limit(c)/float64(sums[voices[i]]))
		told := c.Estimated
		c.Estimated = float64(c.Raw) * part * weight
		b.add(c, told-c.Estimated)
		if part < 1 { // a count is of at least one request, but may stand for less
			c.Raw = max(uint64(float64(c.Raw)*part), 1)
		}
	}
	return b
}

// add adds requests of a count. Deliveries are not requests.
func (b *beyond) add(c *model.Count, requests float64) {
	switch {
	case c.Delivery():
	case c.Outcome == report.OK:
		b.ok += requests
	default:
		b.failed += requests
	}
}

// learn adds a count to what is usual. calm says that c is from a window without failures, because
// only such windows are weighted.
func (s *scale) learn(c *model.Count, whole uint64, minute int64, calm bool) {
	from, window := place{c.ASN, c.Bucket}, weightOf(c.Length)
	if weight := c.Estimated / float64(max(c.Raw, 1)); calm && !c.Delivery() {
		s.weights.vote(from, minute, uint64(min(max(weight, 1), float64(report.FullPPM))), c.Client, window)
	}
	key := populationKey{c.App, c.Target, c.Source}
	l := s.populations[key]
	if l == nil {
		if s.populations == nil || len(s.populations) >= maxScales {
			s.forget()
		}
		l = &loudness{}
		s.populations[key] = l
	}
	l.vote(from, minute, whole, c.Client, window)
}

// forget drops the populations about which few places report, because anybody can invent
// populations.
func (s *scale) forget() {
	kept := map[populationKey]*loudness{}
	for key, l := range s.populations {
		if len(l.places) >= leastPlaces && len(kept) < maxScales/2 {
			kept[key] = l
		}
	}
	s.populations = kept
}

// limit returns the most requests that count for the client of a count.
func (s *scale) limit(c *model.Count) float64 {
	if usual, known := s.populations[populationKey{c.App, c.Target, c.Source}].usual(); known {
		return max(clipFloor, clipFactor*usual)
	}
	return lonelyLimit
}

// weightLimit returns the most requests that one reported request may stand for. All honest clients
// claim the same, because they have the same policy.
func (s *scale) weightLimit() float64 {
	if usual, known := s.weights.usual(); known {
		return clipFactor * usual
	}
	return lonelyWeight
}
