package judgement

import (
	"bytes"
	"math"
	"testing"
	"time"
)

// A restart in the middle of a fault costs no history, tells nothing again, and goes on as if there
// had been none.
func TestSnapshot(t *testing.T) {
	w := newWorld(5)
	w.rate = 60
	j := newJudge(t, Options{})
	if events := w.run(j, 25*time.Minute); len(events) > 0 {
		t.Fatalf("calm: %+v", events)
	}
	asn := w.near(0.05)
	fault := func(at int64, q *request) {
		if q.asn == asn {
			fails(q, "tcp.timed_out")
		}
	}
	w.fault = fault
	events := w.run(j, 2*time.Minute)
	if len(events) == 0 || !events[0].Page {
		t.Fatalf("fault: %+v", events)
	}
	snapshot, err := j.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Restore(Options{}, snapshot)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := again.Snapshot(); err != nil || !bytes.Equal(snapshot, second) {
		t.Errorf("a snapshot of what was restored differs: %v", err)
	}
	for k := range 12 * 60 {
		if k == 4*60 {
			w.fault = nil
		}
		for _, r := range w.tick() {
			j.Add(r)
			again.Add(r)
		}
		a, b := j.Advance(w.second*1000), again.Advance(w.second*1000)
		if len(a) != len(b) {
			t.Fatalf("after %d s: %d events, %d after the restart", k, len(a), len(b))
		}
		for i := range a {
			if a[i].Kind != b[i].Kind || a[i].ID != b[i].ID || a[i].Onset != b[i].Onset || !a[i].Scope[0].equal(&b[i].Scope[0]) {
				t.Errorf("after %d s: %+v, after the restart %+v", k, a[i], b[i])
			}
			if a[i].Kind == Opened {
				t.Errorf("opened again: %+v", a[i])
			}
		}
	}
	if len(j.incidents) != 1 || j.incidents[0].open() || len(again.incidents) != 1 || again.incidents[0].open() {
		t.Error("the incident is not over")
	}
}

func TestRestoreRefuses(t *testing.T) {
	good, err := newJudge(t, Options{}).Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{
		"nothing": nil, "no JSON": []byte("x"), "another version": bytes.Replace(good, []byte(`"version":1`), []byte(`"version":9`), 1),
		"another bin": bytes.Replace(good, []byte(`"width":10000`), []byte(`"width":5000`), 1),
	} {
		if _, err := Restore(Options{}, bad); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := Restore(Options{}, good); err != nil {
		t.Error(err)
	}
}

// A judge that is restored goes on as the other does, also with what no event tells.
func TestRestoredJudgeLearnsTheSame(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{}, {Grace: 5 * time.Minute}} {
		w := small(31)
		j := newJudge(t, o)
		w.run(j, 40*time.Minute+30*time.Second)
		b, err := j.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Restore(o, b)
		if err != nil {
			t.Fatal(err)
		}
		for range 600 {
			for _, r := range w.tick() {
				j.Add(r)
				again.Add(r)
			}
			j.Advance(w.second * 1000)
			again.Advance(w.second * 1000)
		}
		for k, p := range j.order {
			if level, restored := p.level.mean(), again.order[k].level.mean(); math.Abs(level-restored) > 1e-6*level {
				t.Errorf("with a grace of %v, population %d has %.4f requests in a bin, and %.4f when restored", o.Grace, k, level, restored)
			}
		}
	}
}
