package localise

// Options says how to explain. The zero value is for faults of a service as its clients
// report them.
type Options struct {
	// Prior is the weight, in requests, of the rate of all leaves in the rate of a single one.
	// 0 means 100.
	Prior float64

	// Dispersion is by how much the variance of the failures of all leaves together exceeds that of
	// a Poisson distribution. Scores are divided by it. 0 means 1.
	Dispersion float64

	// Noise is the relative variance of a single value's failure rate from one period to the next,
	// beyond chance: 0.01 means that the rate usually varies by 10 %. 0 means 0.01, and less
	// than 0 none.
	Noise float64

	// MinBuckets is the least number of [Leaf.Buckets] of every value that is named. 0 means none.
	MinBuckets float64

	// MaxPerBucket is the most failures that one bucket counts for, so that a flood from one place
	// neither makes an explanation nor hides another. It needs [Leaf.Buckets]. 0 means no limit.
	MaxPerBucket float64

	// Singles names one value for each attribute instead of as many as are hit, and never everyone.
	Singles bool

	// Most is the most explanations returned. 0 means 5.
	Most int

	// Without leaves out the requests that these explanations cover, to find a second fault beside
	// a first one.
	Without []Explanation
}

// The constants below hold for every input. prior was chosen on the real cases of failing video
// sessions that the benchmark reads, where 50 to 200 do equally well; the others follow from the
// numbers of false names that they allow, and were not fitted to data.
const (
	defaultPrior = 100
	defaultNoise = 0.01
	defaultMost  = 5

	// clearlyHit is the evidence, in nats, that a value must give by itself beyond the price of
	// having been picked among all values of its attribute: of 1,000 values that are named, about
	// one is innocent.
	clearlyHit = 7

	// steady is the weight, in expected failures, of the assumption that nothing is wrong outside
	// of an explanation. It keeps a single failure there from counting as a background.
	steady = 0.5

	// needless is the evidence, in nats, that a further attribute must add beyond its price.
	needless = 4

	// farLess is the part of the failures beyond expectation for each request that every value must
	// have, compared with all values of its set.
	farLess = 0.3

	// Everyone is hit if at least evenShare as many of the requests outside of the best explanation
	// fail beyond expectation as inside of it, and if they clearly do.
	evenShare = 0.5
)

func (o Options) withDefaults() Options {
	if o.Prior <= 0 {
		o.Prior = defaultPrior
	}
	o.Dispersion = max(o.Dispersion, 1)
	switch {
	case o.Noise == 0:
		o.Noise = defaultNoise
	case o.Noise < 0:
		o.Noise = 0
	}
	if o.Most <= 0 {
		o.Most = defaultMost
	}
	return o
}
