package judgement

import (
	"errors"
	"fmt"
	"time"
)

// DefaultEvidence is what an alarm takes, in nats. A bin of ten seconds has a false one with a
// probability of e⁻¹⁷ for each attribute, if rates are as expected: one in eight years, which
// leaves room for rates that are not.
const DefaultEvidence = 17

// Options of a [Judge].
type Options struct {
	// Bin is the width of a bin, a second to an hour and a divisor of a day. 0 means 10 s. Where it
	// is below 5 s or a fourteenth of Grace, bins are some times as wide: only so many are
	// remembered one by one.
	Bin time.Duration
	// Grace is the least time that a bin waits for rows after its end. 0 means 10 s, and 1 ns none.
	Grace time.Duration
	// Evidence is what an alarm takes: minus the natural logarithm of the probability that chance
	// does it, after the price of having looked at many places and outcomes. 0 means
	// DefaultEvidence.
	Evidence float64
	Excess   float64 // failures above the expected that an alarm takes. 0 means 5
	Ratio    float64 // failures over expected failures that an alarm takes. 0 means 1.5
	Clients  int     // distinct clients that an alarm takes at least. 0 means 3
	Networks int     // distinct networks that it takes to blame anything else. 0 means 3
	// MaxSeries bounds the series that are remembered. 0 means 200,000.
	MaxSeries int
	Seed      uint64 // of hashes and samples
	// NetworkName names a network in evidence. nil, or "" for a network, leaves the number alone.
	NetworkName func(asn uint32) string
	// Within is how long the requests to a target may take, by an objective. nil, or 0 for a
	// target, leaves it to be learned.
	Within func(target string) time.Duration
}

// validate fills in the defaults and joins all faults.
func (o *Options) validate() error {
	def(&o.Bin, 10*time.Second)
	def(&o.Grace, 10*time.Second)
	def(&o.Evidence, DefaultEvidence)
	def(&o.Excess, 5)
	def(&o.Ratio, 1.5)
	def(&o.Clients, 3)
	def(&o.Networks, 3)
	def(&o.MaxSeries, 200_000)
	if o.NetworkName == nil {
		o.NetworkName = func(uint32) string { return "" }
	}
	if o.Within == nil {
		o.Within = func(string) time.Duration { return 0 }
	}
	var faults []error
	if o.Bin < time.Second || o.Bin > time.Hour || 24*time.Hour%o.Bin != 0 || o.Bin%time.Millisecond != 0 {
		faults = append(faults, fmt.Errorf("Bin must be whole milliseconds, a second to an hour, and divide 24 h, is %v", o.Bin))
	}
	if o.Grace < 0 || o.Grace > time.Hour {
		faults = append(faults, fmt.Errorf("Grace must be between 0 and an hour, is %v", o.Grace))
	}
	if !(o.Evidence > 0 && o.Excess > 0 && o.Ratio > 1) {
		faults = append(faults, errors.New("Evidence and Excess must be positive, Ratio above 1"))
	}
	if o.Clients < 1 || o.Networks < 1 || o.MaxSeries < 1 {
		faults = append(faults, errors.New("Clients, Networks and MaxSeries must be at least 1"))
	}
	if len(faults) == 0 {
		o.widen()
	}
	return errors.Join(faults...)
}

const (
	leastBin = 5 * time.Second // so that successes come while their bin is in the ring
	// Bins that wait at once. With the longest window before them, and what arrives meanwhile, they
	// fill the ring.
	graceBins = ringBins - 48 - 2
)

// widen makes bins some times as wide if the ring could not hold those that it has to.
func (o *Options) widen() {
	for bin := o.Bin; bin <= 24*time.Hour; bin += o.Bin {
		if bin >= leastBin && 24*time.Hour%bin == 0 && o.Grace <= graceBins*bin {
			o.Bin = bin
			return
		}
	}
}

func def[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
