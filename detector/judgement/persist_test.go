package judgement

import (
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// An office of a dozen clients whose requests all fail is not told as well again while they fail,
// though the clients are always the same.
func TestFewClientsThatGoOnFailing(t *testing.T) {
	t.Parallel()
	for _, buckets := range []int{4, 12} {
		w := small(31)
		j := newJudge(t, Options{})
		const asn = 64999
		failing := false
		w.extra = func(second int64) (rows []Row) {
			for c := range 12 {
				if (second+int64(c))%5 != 0 {
					continue
				}
				r := Row{At: second * 1000, Arrived: second*1000 + 300, App: "shop", Version: "1.4.0", OS: "linux", Target: "https://shop0.example", Outcome: report.OK,
					Protocol: "h2", Status: 200, Server: serverName(c % 5), Source: report.SourceAgent, ASN: asn, Country: "AA", Collector: "c1",
					Bucket: report.Bucket(9 + c%buckets), Client: uint64(1000 + c), Raw: 1, Estimated: 1}
				if failing {
					r.Outcome, r.Protocol, r.Status = report.TCPTimedOut, "", 0
				}
				rows = append(rows, r)
			}
			return rows
		}
		learn(t, w, j, 40*time.Minute)
		failing = true
		start := w.second * 1000
		events := w.run(j, 25*time.Minute)
		failing = false
		back := w.second * 1000
		events = append(events, w.run(j, 15*time.Minute)...)
		cleared := int64(0)
		for _, e := range events {
			if e.Kind == Cleared {
				cleared = e.Judged
			}
			if e.Kind == Cleared && e.Judged < back {
				t.Errorf("%d prefixes: told as over %d s before it was", buckets, (back-e.Judged)/1000)
			}
		}
		if len(ids(events)) != 1 || cleared == 0 || cleared > back+6*60_000 {
			t.Errorf("%d prefixes: %d incidents, cleared %d s after the end", buckets, len(ids(events)), (cleared-back)/1000)
		}
		if t.Failed() {
			show(t, start, events)
		}
	}
}

// One machine that claims to be many clients does not keep an incident open.
func TestOneMachineKeepsNothingOpen(t *testing.T) {
	t.Parallel()
	w := small(31)
	j := newJudge(t, Options{})
	const asn = 64999
	failing, hostile := false, false
	w.extra = func(second int64) (rows []Row) {
		add := func(client, bucket int, fails bool) {
			r := Row{At: second * 1000, Arrived: second*1000 + 300, App: "shop", Version: "1.4.0", OS: "linux", Target: "https://shop0.example", Outcome: report.OK,
				Protocol: "h2", Status: 200, Server: serverName(client % 5), Source: report.SourceAgent, ASN: asn, Country: "AA", Collector: "c1",
				Bucket: report.Bucket(bucket), Client: uint64(client), Raw: 1, Estimated: 1}
			if fails {
				r.Outcome, r.Protocol, r.Status = report.TCPTimedOut, "", 0
			}
			rows = append(rows, r)
		}
		for c := range 12 {
			if (second+int64(c))%5 == 0 {
				add(1000+c, 9+c, failing)
			}
		}
		for c := range 8 {
			if hostile && (second+3*int64(c))%24 == 0 {
				add(2000+c, 9, true)
			}
		}
		return rows
	}
	learn(t, w, j, 40*time.Minute)
	failing = true
	start := w.second * 1000
	events := w.run(j, 10*time.Minute)
	failing, hostile = false, true
	back := w.second * 1000
	events = append(events, w.run(j, 20*time.Minute)...)
	if last := events[len(events)-1]; last.Kind != Cleared || last.Judged > back+5*60_000 {
		t.Errorf("not over within five minutes")
		show(t, start, events)
	}
}
