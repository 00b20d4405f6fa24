package judgement

import (
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Of who goes on failing, less and less counts, and never nothing.
func TestVoices(t *testing.T) {
	for n, want := range map[uint16]int{0: 0, 1: 1, 2: 2, 3: 2, 4: 3, 16: 5, 40: 6, 65535: 16} {
		if got := ofClient(n); got != want {
			t.Errorf("%d failures of a client count for %d, not %d", n, got, want)
		}
	}
	for n, want := range map[uint16]int{0: 0, 8: 8, 9: 8, 12: 10, 16: 12, 24: 14, 32: 16, 65535: 59} {
		if got := ofSource(n); got != want {
			t.Errorf("%d failures of a source count for %d, not %d", n, got, want)
		}
	}
	j := newJudge(t, Options{})
	j.voices.turn(0)
	p := j.newPopulation(populationKey{}, nil, 0)
	total := 0
	for range 40 {
		n, before, kept := j.hear(p, 0, 0, &Row{Client: 1, Bucket: 2, ASN: 3, Raw: 1})
		if !kept || before != total {
			t.Errorf("kept %v, %d before, not %d", kept, before, total)
		}
		total += n
	}
	if total != 6 {
		t.Errorf("40 failures of a client one by one count for %d", total)
	}
}

// A few long visits over bad connections at one server are not a fault of the server. When each
// client counted twice a minute, they opened an incident.
func TestLongVisits(t *testing.T) {
	t.Parallel()
	w := small(21)
	j := newJudge(t, Options{})
	start := learn(t, w, j, 20*time.Minute)
	w.extra = func(second int64) (rows []Row) {
		for c := range uint64(3) { // one after another
			at := second * 1000
			if d := at - start - int64(c)*120_000; d < 0 || d > 360_000 || (second+int64(c))%12 != 0 {
				continue
			}
			rows = append(rows, Row{At: at, Arrived: at + 900, App: "shop", Version: "1.4.0", OS: "linux", Target: "https://shop0.example", Outcome: report.TCPTimedOut,
				Server: serverName(2), Source: report.SourceAgent, ASN: w.networks[c].asn, Country: w.networks[c].country, Collector: "c1", Bucket: report.Bucket(c), Client: 1000 + c, Raw: 1, Estimated: 1})
		}
		return rows
	}
	learn(t, w, j, 15*time.Minute)
}

// Clients that retry in a loop alert nobody and blame nobody: one by itself, and some of one
// network, each behind a prefix of its own, whose other clients are well.
func TestLoopingClients(t *testing.T) {
	t.Parallel()
	w := small(41)
	j := newJudge(t, Options{})
	start := learn(t, w, j, 25*time.Minute)
	w.extra = func(second int64) (rows []Row) {
		at := second * 1000
		loop := func(asn uint32, client uint64) {
			rows = append(rows, Row{At: at - 3000, Arrived: at, App: "shop", Version: "1.4.0", OS: "linux", Target: "https://shop0.example", Outcome: report.HTTPError, Status: 404,
				Protocol: "h2", Server: serverName(3), Source: report.SourceAgent, ASN: asn, Country: "AB", Collector: "c1", Bucket: report.Bucket(client), Client: client, Raw: 5, Estimated: 5})
		}
		loop(w.near(0.002), 1)
		for client := range uint64(4) {
			loop(w.near(0.02), 10+client)
		}
		return rows
	}
	events := w.run(j, 30*time.Minute)
	showOnFailure(t, start, &events)
	if n := pages(events); n > 0 {
		t.Errorf("%d pages", n)
	}
	for _, e := range events {
		if len(e.Scope[0].Server)+len(e.Scope[0].Version)+len(e.Scope[0].Country) > 0 {
			t.Errorf("blamed: %+v", e.Scope[0])
		}
	}
}
