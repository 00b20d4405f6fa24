package judgement

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Clients are in a loop when they fail far more often than clients of their network make requests.
func TestLooping(t *testing.T) {
	five := map[uint64]float64{1: 60, 2: 60, 3: 60, 4: 60, 5: 60}
	for _, c := range []struct {
		name           string
		failed         map[uint64]float64
		usual, minutes float64
		want           float64
	}{
		{"five that fail every second", five, 4, 1, 1},
		{"in a network of machines that ask every second anyway", five, 60, 1, 0},
		{"as many failures in an ordinary visit's time", five, 4, 30, 1},
		{"beside ordinary clients", map[uint64]float64{1: 60, 2: 4, 3: 6, 4: 5, 5: 5}, 4, 1, 0.75},
		{"some failures at once", map[uint64]float64{1: 3, 2: 3}, 1, 1.0 / 6, 0},
		{"none", nil, 4, 1, 0},
	} {
		if got := looping(c.failed, c.usual, c.minutes); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// Half of a network's active clients are enough, and never fewer than a dozen; those that fail
// anyway do not count.
func TestClientsOfLoops(t *testing.T) {
	for _, c := range []struct {
		expected, active float64
		want             int
	}{{0, 4, 12}, {0, 50, 25}, {0, 5000, 32}, {150, 5000, 132}} {
		if got := clientsOfLoops(c.expected, c.active); got != c.want {
			t.Errorf("%.0f expected of %.0f: %d, want %d", c.expected, c.active, got, c.want)
		}
	}
}

// What a network's clients usually ask for is learned from successes, and kept in snapshots. Older
// snapshots have nothing of it.
func TestPace(t *testing.T) {
	j := newJudge(t, Options{})
	row := Row{App: "shop", Target: "https://shop.example", Outcome: report.OK, Source: report.SourceAgent, Collector: "c1"}
	for k := range int64(600) { // two clients of each network in every minute
		r := row
		r.At = worldStart + k*15_000
		r.Client, r.ASN, r.Raw, r.Estimated = uint64(1+k%4), 64600, 1, 20
		if k%2 == 0 {
			r.ASN, r.Raw, r.Estimated = 64601, 30, 600
		}
		r.Bucket = report.Bucket(r.Client)
		j.Add(r)
		j.Advance(r.At)
	}
	few, many := j.paces.usual([]uint32{64600}), j.paces.usual([]uint32{64601})
	if few < 1 || few > 1.2 || many < 29 || many > 31 {
		t.Errorf("%.1f and %.1f requests a minute", few, many)
	}
	b, err := j.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Restore(Options{}, b)
	if err != nil {
		t.Fatal(err)
	}
	if got := again.paces.usual([]uint32{64601}); got != many {
		t.Errorf("%.1f after a restart", got)
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(b, &keys); err != nil {
		t.Fatal(err)
	}
	delete(keys, "pace")
	delete(keys, "paces")
	if b, err = json.Marshal(keys); err != nil {
		t.Fatal(err)
	}
	old, err := Restore(Options{}, b)
	if err != nil {
		t.Fatal(err)
	}
	if got := old.paces.usual([]uint32{64601}); got != pacePrior {
		t.Errorf("%.1f from an older snapshot", got)
	}
}

// Five clients that begin to retry every second alert nobody; when all clients of a network do,
// because it is cut off, people are told as soon as otherwise.
func TestRetriesInALoop(t *testing.T) {
	t.Parallel()
	w := small(18)
	j := newJudge(t, Options{})
	start := learn(t, w, j, 20*time.Minute)
	asn := w.near(0.02)
	loops := func(clients uint64) func(int64) []Row {
		return func(second int64) (rows []Row) {
			for c := range clients {
				rows = append(rows, Row{At: second*1000 - 500, Arrived: second*1000 + 900, App: "shop", Version: "1.4.0", OS: "linux", Target: "https://shop0.example",
					Outcome: report.HTTPError, Status: 503, Server: serverName(8), Source: report.SourceAgent, ASN: asn, Country: "AA", Collector: "c1",
					Bucket: report.Bucket(100 + c), Client: 7000 + c, Raw: 1, Estimated: 1})
			}
			return rows
		}
	}
	w.extra = loops(5)
	events := w.run(j, 12*time.Minute)
	showOnFailure(t, start, &events)
	if n := pages(events); n > 0 {
		t.Errorf("%d pages", n)
	}
	w.extra = loops(60)
	more := w.run(j, time.Minute)
	events = append(events, more...)
	if pages(more) == 0 {
		t.Error("the network that is cut off is not told")
	}
}
