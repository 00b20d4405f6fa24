package judgement

import (
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// The failures of one client come over some minutes. What is learned of how rates vary from one
// minute to the next does not take them for failures that come together within one.
func TestRatesThatVaryAreLearned(t *testing.T) {
	t.Parallel()
	w := newWorld(11)
	w.diurnal = 0
	j := newJudge(t, Options{})
	w.fault = func(_ int64, q *request) {
		// rates vary by half, and few clients have all failures
		if q.client%16 == 0 && w.rng.Float64() < 0.4*w.noiseOf(q.asn) {
			fails(q, report.HTTPError)
		}
	}
	w.run(j, 100*time.Minute)
	streams := 0
	for _, p := range j.order {
		for out, st := range p.outcomes {
			if j.names.text(kindOutcome, out) != string(report.HTTPError) {
				continue
			}
			streams++
			if noise := st.spread[byASN].noise(); noise < 4*noiseLeast || noise > 0.25 {
				t.Errorf("population %d: the noise is %.3f", p.index, noise)
			}
		}
	}
	if streams == 0 {
		t.Error("nothing has failed")
	}
}
