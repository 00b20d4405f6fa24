package judgement

import (
	"math/rand/v2"
	"slices"

	"github.com/heliograph-net/heliograph/report"
)

// maxSample is how many rows of requests are remembered to tell how the requests of one value
// divide over the values of other attributes.
const maxSample = 16_384

// sampled is a row of requests in the sample.
type sampled struct {
	place  place
	pop    uint16
	bucket report.Bucket // 0 if it is from a snapshot of an older release
	n      float32       // estimated requests
}

// sample remembers rows at random. A row that comes replaces any other, so old ones fade.
type sample struct {
	pcg  *rand.PCG // the state of rng
	rng  *rand.Rand
	rows []sampled
}

func newSample(seed uint64) *sample {
	pcg := rand.NewPCG(seed, 0x5a)
	return &sample{pcg: pcg, rng: rand.New(pcg)}
}

// forget removes the rows of a source.
func (s *sample) forget(who source) {
	s.rows = slices.DeleteFunc(s.rows, func(r sampled) bool { return r.bucket == who.bucket && r.place[byASN] == who.asn })
}

func (s *sample) add(r sampled) {
	if len(s.rows) < maxSample {
		s.rows = append(s.rows, r)
		return
	}
	s.rows[s.rng.IntN(maxSample)] = r
}
