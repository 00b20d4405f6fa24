package judgement

import "time"

// apart is by how much the failure rates of an attribute's values differ for good: the relative
// variance of the gamma distribution that a value's rate is shrunk to. The zero value is what is
// assumed at the start. Where all are alike, a value without much history is known well.
type apart float64

const (
	compareEvery = 10 * time.Minute
	apartLeast   = 0.05 // values are never known to be more alike
	apartMost    = 2    // nor less
	apartWeight  = 50   // of what is assumed at the start, as of two values that are known well
	valueLeast   = 0.5  // expected failures of a value that says something
	valueMost    = 5    // a value weighs as much as the square of its expected failures, up to this
)

func (d apart) shape() float64 {
	if d == 0 {
		return priorShape
	}
	return 1 / float64(d)
}

// shape is that of the rates of an attribute's values.
func (st *stream) shape(a attribute) float64 {
	if a == everyone {
		return priorShape
	}
	return st.apart[a].shape()
}

// compare learns how different the rates of values are: by the method of moments, as in empirical
// Bayes estimation (Robbins 1956), from what was learned of each.
func (st *stream) compare() {
	rate := st.rate(st.all)
	for a := byASN; a < attributes; a++ {
		var excess, weight int64 // in millionths: whole numbers have the same sum in any order
		cluster := st.cluster(a)
		for _, s := range st.series[a] {
			e := rate * s.b
			if e < valueLeast {
				continue
			}
			w := min(e, valueMost)
			w *= w
			excess += int64(1e6 * w * min(((s.a-e)*(s.a-e)-cluster*e)/(e*e), spreadClip))
			weight += int64(1e6 * w)
		}
		d := (1e6*apartWeight/priorShape + float64(excess)) / (1e6*apartWeight + float64(weight))
		st.apart[a] = apart(min(max(d, apartLeast), apartMost))
	}
}
