package judgement

import (
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// One machine that invents successes does not hide that its network is cut off, whatever they are
// to stand for.
func TestOneMachineHidesNoNetwork(t *testing.T) {
	t.Parallel()
	for _, estimated := range []float64{20, 1e6} {
		w := newWorld(5)
		asn := w.near(0.01)
		j := newJudge(t, Options{})
		learn(t, w, j, 35*time.Minute)
		w.extra = func(second int64) []Row {
			r := Row{At: second * 1000, App: "shop", Version: "1.4.0", OS: "linux", Target: "https://shop0.example", Outcome: report.OK, Protocol: "h2", Status: 200,
				Server: serverName(int(second % 20)), Source: report.SourceAgent, ASN: asn, Country: "AA", Collector: "c1", Bucket: 7, Client: 7, Raw: 4, Estimated: estimated}
			r.Arrived = r.At
			return []Row{r}
		}
		w.run(j, 5*time.Minute)
		start := w.second * 1000
		w.fault = func(_ int64, q *request) {
			if q.asn == asn {
				fails(q, report.TCPTimedOut)
			}
		}
		events := w.run(j, 3*time.Minute)
		if !slices.ContainsFunc(events, func(e Event) bool { return e.Page && e.Scope[0].equal(&Scope{ASN: []uint32{asn}}) }) {
			show(t, start, events)
			t.Errorf("successes that stand for %.0f hid it", estimated)
		}
	}
}

// Honest traffic is believed, although most of it is told by few reports that stand for many
// requests.
func TestHonestTrafficIsBelieved(t *testing.T) {
	t.Parallel()
	w := newWorld(31)
	w.diurnal = 0
	j := newJudge(t, Options{})
	w.run(j, 90*time.Minute)
	if level, rate := j.order[0].level.mean(), w.rate*j.o.Bin.Seconds(); level < 0.97*rate || level > 1.1*rate {
		t.Errorf("of %.0f requests in a bin, %.0f are believed", rate, level)
	}
}

// What a network may claim is no more when reports of the minute before come between.
func TestClaimsOfManySources(t *testing.T) {
	t.Parallel()
	w := small(31)
	j := newJudge(t, Options{})
	learn(t, w, j, 40*time.Minute)
	asn, p := w.near(0.02), j.order[0]
	bin := w.second * 1000 / j.width / claimBins * claimBins
	believed := func(back int64) (n float64) {
		bin += 2 * claimBins
		for k := range int64(200) {
			n += p.limit(bin-back*(k%2), source{asn, report.Bucket(k + 1)}, 1000)
		}
		return n
	}
	if at, late := believed(0), believed(1); at != late || at > 2000 {
		t.Errorf("%.0f of 200,000 requests are believed, and %.0f if every second is of the minute before", at, late)
	}
}
