package judgement

import (
	"math"
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

// Clients that fail at everything, from several prefixes and for some time, speak for a fault of
// their network. Others do not.
func TestWholly(t *testing.T) {
	const asn, clients = 64600, 4
	for _, c := range []struct {
		name string
		vary func(r *Row)
		ok   bool // the first client succeeds at last
		want float64
	}{
		{"all fail at everything", func(*Row) {}, false, clients * math.Ln2},
		{"one succeeds", func(*Row) {}, true, 0},
		{"of one prefix", func(r *Row) { r.Bucket = 9 }, false, 0},
		{"told when they are well again", func(r *Row) { r.Arrived += 60_000 }, false, 0},
		{"each once", func(r *Row) { r.Client = uint64(r.At) }, false, 0},
		{"within a minute", func(r *Row) { r.At, r.Arrived = worldStart+r.At%60_000, worldStart+r.At%60_000 }, false, 0},
	} {
		j := newJudge(t, Options{})
		row := Row{App: "shop", Target: "https://shop.example", Outcome: report.TCPTimedOut, Source: report.SourceAgent, ASN: asn, Raw: 1, Estimated: 1}
		for k := range int64(12) {
			r := row
			r.At = worldStart + k*15_000
			r.Arrived, r.Client, r.Bucket = r.At, uint64(1+k%clients), report.Bucket(1+k%clients)
			c.vary(&r)
			j.Add(r)
		}
		if c.ok {
			r := row
			r.At, r.Client, r.Bucket, r.Outcome = worldStart+170_000, 1, 1, report.OK
			j.Add(r)
		}
		st := j.order[0].any
		f := finding{series: st.series[byASN][asn], stream: st, window: 24}
		if got := j.wholly(&f, (worldStart+175_000)/j.width); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %v nats, want %v", c.name, got, c.want)
		}
	}
}

// Clients that were cut off together come back together, whenever each of them failed first.
func TestCutOffTogether(t *testing.T) {
	for _, c := range []struct {
		name string
		told func(k int64) int64 // s
		want bool
	}{
		{"all tell within a minute", func(k int64) int64 { return 320 + 7*k%60 }, true},
		{"each tells when it is well again", func(k int64) int64 { return 25*k + 90 }, false},
	} {
		var f fates
		for k := range int64(12) {
			first := 25 * k * 1000
			f.add(&clientState{first: first, last: max(first, 300_000), told: c.told(k) * 1000, held: true})
		}
		if f.together() != c.want {
			t.Errorf("%s: %v", c.name, f.together())
		}
	}
}
