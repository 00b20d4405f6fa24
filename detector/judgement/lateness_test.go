package judgement

import (
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// What has not arrived yet is not expected yet, as far as lateness is known.
func TestLateness(t *testing.T) {
	var l lateness
	six := func() (sum float64) { // how many whole bins the newest six are worth
		for k := range 6 {
			sum += l.at(k)
		}
		return sum
	}
	l.settle(10_000, 10_000)
	if six() != 6 || l.wait() != 0 {
		t.Errorf("nothing is known, and six bins are %v, waiting for %d", six(), l.wait())
	}
	for s := range int64(60 * lateLeast / 10) { // evenly within a minute
		l.add(s % 60 * 1000)
	}
	l.settle(10_000, 10_000)
	want := []float64{15. / 60, 25. / 60, 35. / 60, 45. / 60, 55. / 60, 1}
	for k, p := range want {
		if got := l.part[k]; got < p-0.02 || got > p+0.02 {
			t.Errorf("of bin %d is %.3f there, want %.3f", k, got, p)
		}
	}
	if l.wait() != 2 || six() > 4.2 || six() < 3.8 {
		t.Errorf("six bins are %v, waiting for %d", six(), l.wait())
	}
	var restored lateness
	restored.restore(l.seconds[:])
	restored.settle(10_000, 10_000)
	if restored.part != l.part {
		t.Error("a snapshot changes it")
	}
	for range 3 * lateMost {
		l.add(1e9)
	}
	if l.sum > lateMost {
		t.Errorf("%v rows are remembered", l.sum)
	}
}

// Where agents tell of nothing before a window ends, a fault is one incident all the same, found
// in little more than a window.
func TestWithoutEarlyReports(t *testing.T) {
	t.Parallel()
	w := small(31)
	j := newJudge(t, Options{})
	late := func(rows []Row) []Row { // to the end of the minute after the fact
		for k := range rows {
			rows[k].Arrived = rows[k].At + 20_000 + int64(mix(0, rows[k].Client)%40_000)
		}
		return rows
	}
	pending := map[int64][]Row{}
	pass := func(d time.Duration) (events []Event) {
		for range int(d.Seconds()) {
			for _, r := range late(w.tick()) {
				pending[r.Arrived/1000] = append(pending[r.Arrived/1000], r)
			}
			now := w.second
			rows := pending[now-1]
			delete(pending, now-1)
			slices.SortStableFunc(rows, func(a, b Row) int { return int(a.Arrived - b.Arrived) })
			for _, r := range rows {
				j.Add(r)
			}
			events = append(events, j.Advance(now*1000)...)
		}
		return events
	}
	for _, e := range pass(30 * time.Minute) {
		t.Errorf("calm: %v", e)
	}
	if j.failures.wait() < 1 {
		t.Errorf("half of the failures are there after %d bins", j.failures.wait())
	}
	start := w.second * 1000
	w.fault = func(at int64, q *request) {
		if q.asn == w.near(0.05) {
			fails(q, report.TCPTimedOut)
		}
	}
	events := pass(8 * time.Minute)
	showOnFailure(t, start, &events)
	if len(ids(events)) != 1 || events[0].Verdict != model.NetworkPath || events[0].Judged > start+100_000 {
		t.Error("not one incident, in time")
	}
	for _, e := range events {
		if e.Kind == Cleared {
			t.Error("cleared while it lasts")
		}
	}
}
