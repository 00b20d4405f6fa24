package judgement

import (
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

// What a flood claims of its requests is forgotten with its failures, also after a restart.
func TestForgetSample(t *testing.T) {
	j := newJudge(t, Options{})
	for k := range int64(30) {
		j.Add(Row{At: worldStart + k*1000, App: "shop", Target: "https://shop.example", Outcome: report.OK, Source: report.SourceAgent,
			ASN: 64600, Bucket: report.Bucket(1 + k%3), Client: uint64(1 + k%3), Raw: 1, Estimated: 20})
	}
	b, err := j.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if j, err = Restore(Options{}, b); err != nil {
		t.Fatal(err)
	}
	before := len(j.sample.rows)
	j.unhear(source{64600, 2})
	j.unhear(source{64601, 1}) // another network's prefix
	if got := len(j.sample.rows); before == 0 || 3*got != 2*before {
		t.Errorf("%d of %d rows are left", got, before)
	}
}
