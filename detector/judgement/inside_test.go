package judgement

import (
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// What is wholly cut off while requests of everyone fail now and then, in the same way, is told by
// itself, whether it began later or with it: exactly, from its beginning to its end. It is not
// taken for innocent, so the wider incident goes on to be one of everyone.
func TestInsideOfAPartialFailure(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		share  float64 // of all requests that fail
		begins time.Duration
		scope  func(w *world) Scope
	}{
		"a network, one in three":          {1.0 / 3, 8 * time.Minute, scopeASN(0.02)},
		"a network, one in twenty":         {0.05, 8 * time.Minute, scopeASN(0.02)},
		"a network, at the same time":      {0.05, 0, scopeASN(0.02)},
		"a country, one in twenty":         {0.05, 8 * time.Minute, func(w *world) Scope { return Scope{Country: []string{w.nearCountry(0.06)}} }},
		"a network, three in ten, at once": {0.3, 0, scopeASN(0.02)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, j := newWorld(11), newJudge(t, Options{})
			learn(t, w, j, 35*time.Minute)
			scope, start := c.scope(w), w.second*1000
			from := start + c.begins.Milliseconds()
			to, end := from+(8*time.Minute).Milliseconds(), from+(14*time.Minute).Milliseconds()
			w.fault = func(at int64, q *request) {
				whole := at >= from && at < to && within(q, &scope)
				if whole || at < end && w.rng.Float64() < c.share {
					fails(q, report.TCPTimedOut)
				}
			}
			events := w.run(j, time.Duration(end-start)*time.Millisecond+5*time.Minute)
			ids, over := map[ID]bool{}, int64(0)
			for _, e := range events {
				ids[e.ID] = true
				switch {
				case e.Scope[0].equal(&Scope{}):
				case !e.Scope[0].equal(&scope) || !e.Page && e.Kind == Opened:
					t.Errorf("wrong scope, or no page: %+v", e.Scope[0])
				case e.Onset < from-20_000 || e.Onset > from+40_000:
					t.Errorf("it began at %+.0f s", float64(e.Onset-from)/1000)
				case e.Kind == Cleared:
					over = e.Until
				}
			}
			if len(ids) != 2 || over < to-30_000 || over > to+90_000 {
				t.Errorf("%d incidents; the one inside was over at %+.0f s", len(ids), float64(over-to)/1000)
			}
			if t.Failed() {
				show(t, start, events)
			}
		})
	}
}

func within(q *request, s *Scope) bool {
	return len(s.Server) > 0 && q.server == s.Server[0] || len(s.ASN) > 0 && q.asn == s.ASN[0] || len(s.Country) > 0 && q.country == s.Country[0]
}

// Clients that fail at everything because requests of everyone mostly do, or because theirs are the
// only ones, are no fault inside of another.
func TestFares(t *testing.T) {
	t.Parallel()
	x := valueOf{byASN, 7}
	for name, c := range map[string]struct {
		in, out fare
		want    bool
	}{
		"a network cut off":             {fare{failed: 20, n: 12, whole: 12}, fare{failed: 200, n: 50, whole: 4}, true},
		"nothing is known of elsewhere": {fare{failed: 20, n: 12, whole: 12}, fare{failed: 200}, true},
		"elsewhere it is as bad":        {fare{failed: 20, n: 12, whole: 12}, fare{failed: 200, n: 150, whole: 120}, false},
		"some get something through":    {fare{failed: 20, n: 20, whole: 12}, fare{failed: 200, n: 50, whole: 4}, false},
		"it is most of the incident":    {fare{failed: 20, n: 12, whole: 12}, fare{failed: 19, n: 10, whole: 1}, false},
		"too few":                       {fare{failed: 20, n: 4, whole: 4}, fare{failed: 200, n: 50, whole: 4}, false},
	} {
		f := fares{all: fare{failed: c.in.failed + c.out.failed, n: c.in.n + c.out.n, whole: c.in.whole + c.out.whole}, values: map[valueOf]*fare{x: &c.in}}
		if e := f.evidence(x); e >= DefaultEvidence != c.want {
			t.Errorf("%s: %.1f nats", name, e)
		}
	}
}

// The incident inside is still one, and told once, when the detector starts again meanwhile.
func TestInsideSurvivesARestart(t *testing.T) {
	t.Parallel()
	w, j := newWorld(11), newJudge(t, Options{})
	learn(t, w, j, 35*time.Minute)
	asn, start := w.near(0.02), w.second*1000
	w.fault = func(at int64, q *request) {
		if q.asn == asn && at >= start+180_000 || w.rng.IntN(20) == 0 {
			fails(q, report.TCPTimedOut)
		}
	}
	before := w.run(j, 7*time.Minute)
	snapshot, err := j.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if j, err = Restore(Options{}, snapshot); err != nil {
		t.Fatal(err)
	}
	after := w.run(j, 5*time.Minute)
	told := 0
	for _, e := range append(before, after...) {
		if e.Kind == Opened && e.Verdict == model.NetworkPath && e.Scope[0].equal(&Scope{ASN: []uint32{asn}}) {
			told++
		}
	}
	for _, e := range after {
		if e.Kind != Changed {
			told = -1
		}
	}
	if told != 1 {
		show(t, start, append(before, after...))
		t.Errorf("told %d times", told)
	}
}
