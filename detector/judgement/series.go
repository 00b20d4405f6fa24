package judgement

import "math"

// ringBins is how many bins a series remembers one by one. A bin is learned as normal only when it
// leaves the ring and nothing was suspicious about it, so a fault must stay unnoticed for that long
// to be learned.
const ringBins = 64

// Parameters of the baseline. They hold for any width of a bin and any rate.
const (
	rateHours = 24.0 // half-life of what is known of a failure rate
	// shape of the gamma distribution of failure rates among the values of one attribute until it
	// is learned: the rate of a value without history is within a factor of some 2 of that
	// of everyone
	priorShape = 2.0
	// failures per request of everyone where nothing is known, by one outcome and by all
	priorRate    = 1e-3
	priorRateAny = 1e-2
	// the least rate and number of failures that is ever expected, lest a first failure
	// seem a wonder
	leastRate  = 1e-4
	leastCount = 0.002 // in a bin
)

// windows are the numbers of bins over which failures are summed, from what is sudden to what is
// slow. They do the work of a bank of cumulative sums (CUSUM) within the ring.
var windows = [...]int{1, 2, 3, 6, 12, 24, 48}

func slot(bin int64) int { return int(uint64(bin) % ringBins) }

// series counts the failures of one outcome at one value, bin by bin, and knows how many to expect.
type series struct {
	a, b    float64 // discounted failures and requests of the bins that were learned
	x       [ringBins]uint16
	newest  int64 // the bin of the newest slot
	learned int64 // the last bin that was learned or passed over
	// bins of the ring that are not learned because something was suspicious or wrong, a bit for
	// each slot; until when that goes on; and when it began
	frozen                   uint64
	frozenTo, suspiciousFrom int64
	exposure                 *exposure
	attribute                attribute
	value                    uint32
	dirty                    bool
}

// bring moves the ring to a bin. What falls out of it is learned.
func (s *series) bring(bin int64, st *stream) {
	if bin <= s.newest {
		return
	}
	if upTo := bin - st.pop.lag(bin); upTo > s.learned {
		st.learn(s, min(upTo, s.newest))
	}
	if bin-s.newest >= ringBins {
		s.x, s.frozen = [ringBins]uint16{}, 0
		s.newest = bin
		return
	}
	for s.newest < bin {
		s.newest++
		s.x[slot(s.newest)] = 0
		s.frozen &^= 1 << slot(s.newest)
		if s.newest <= s.frozenTo {
			s.frozen |= 1 << slot(s.newest)
		}
	}
}

func (s *series) add(bin int64, n uint16) {
	if p := &s.x[slot(bin)]; *p <= math.MaxUint16-n {
		*p += n
	}
}

// at is the count of a bin, which must not be newer than the ring.
func (s *series) at(bin int64) float64 {
	if s.newest-bin >= ringBins || bin > s.newest {
		return 0
	}
	return float64(s.x[slot(bin)])
}

// sum is the count of n bins up to bin.
func (s *series) sum(bin int64, n int) float64 {
	total := 0.0
	for b := bin - int64(n) + 1; b <= bin; b++ {
		total += s.at(b)
	}
	return total
}

// rate is the expected number of failures per request, shrunk to the parent's rate by a gamma
// distribution of a shape.
func (s *series) rate(parent, shape float64) float64 {
	return max((shape+s.a)/(shape/parent+s.b), leastRate)
}

// freeze keeps the bins from..to from being learned.
func (s *series) freeze(from, to int64) {
	for b := max(from, s.newest-ringBins+1); b <= min(to, s.newest); b++ {
		s.frozen |= 1 << slot(b)
	}
	if from-s.frozenTo > ringBins || s.frozenTo == 0 {
		s.suspiciousFrom = from
	}
	s.frozenTo = max(s.frozenTo, to)
}
