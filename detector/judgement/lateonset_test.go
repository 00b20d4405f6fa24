package judgement

import (
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Failures that happen anyhow and are told late do not date an incident back. That many clients of
// one network tell late that they failed before it, does.
func TestOnsetOfWhatIsToldLate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		count int
		asn   func(w *world, k int) uint32
		moves bool
	}{
		"now and then, anywhere": {4, func(w *world, k int) uint32 { return w.networks[k].asn }, false},
		"many, of one network":   {40, func(w *world, _ int) uint32 { return w.near(0.01) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, j := newWorld(3), newJudge(t, Options{})
			start := learn(t, w, j, 35*time.Minute)
			w.fault = func(_ int64, q *request) {
				if c.moves && q.asn == w.near(0.01) || !c.moves && w.rng.IntN(5) == 0 {
					fails(q, report.TCPTimedOut)
				}
			}
			w.extra = func(second int64) (rows []Row) {
				if second != start/1000+400 {
					return nil
				}
				for k := range c.count {
					rows = append(rows, Row{At: start - 30_000 - int64(k)*200_000/int64(c.count), Arrived: second * 1000, App: "shop", Version: "1.4.0", OS: "linux",
						Target: "https://shop0.example", Outcome: report.TCPTimedOut, Source: report.SourceAgent, ASN: c.asn(w, k), Country: "AA", Collector: "c1",
						Bucket: report.Bucket(k), Client: uint64(k) + 1, Raw: 1, Estimated: 1})
				}
				return rows
			}
			events := w.run(j, 20*time.Minute)
			if len(j.incidents) != 1 {
				show(t, start, events)
				t.Fatalf("%d incidents", len(j.incidents))
			}
			onset := time.Duration(j.incidents[0].onset-start) * time.Millisecond
			if moved := onset < -20*time.Second; moved != c.moves || onset < -240*time.Second {
				t.Errorf("the onset is at %v", onset)
			}
		})
	}
}
