package judgement

import "math"

// looks is at how many streams the judge looks in a bin.
type looks struct {
	bin     int64
	streams int64
	// failures expected of all together, in millionths: whole numbers have the same sum
	// in any order
	micro int64
}

// Most of all weight is given by expected failures, so that frequent outcomes of busy targets are
// seen soon, and the rest is the same for all: a rare outcome is a wonder soon enough. All failures
// together count for less, since single outcomes stand out more.
const (
	looksByCount = 0.9
	looksOfAny   = 0.25
)

// price is what an alarm takes more because there are many streams, in nats: the logarithm of the
// stream's weight, with the sign changed. Weights sum to one, as those of a value do
// in population.price.
func (l *looks) price(j *Judge, st *stream, bin int64) float64 {
	if l.bin != bin {
		*l = looks{bin: bin}
		for _, p := range j.order {
			l.add(p.any)
			for _, st := range p.outcomes {
				l.add(st)
			}
		}
	}
	return -math.Log(looksByCount*float64(micro(st))/float64(l.micro) + (1-looksByCount)/float64(l.streams))
}

func (l *looks) add(st *stream) {
	l.streams++
	l.micro += micro(st)
}

func micro(st *stream) int64 {
	e := st.expected(st.all)
	if st.outcome == 0 {
		e *= looksOfAny
	}
	return int64(1e6 * e)
}
