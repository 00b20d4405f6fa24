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
