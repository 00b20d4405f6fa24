package lifecycle

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// journal notes what happens, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

// part runs until it is stopped, drains for a time and is closed.
func (j *journal) part(name string, drain time.Duration) Part {
	return Part{Name: name, Run: func(ctx context.Context) error {
		<-ctx.Done()
		time.Sleep(drain)
		j.add("drained " + name)
		return nil
	}, Close: func() error { j.add("closed " + name); return nil }}
}

func TestStepsEndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := new(journal)
		g := NewGroup(3*time.Second, 4*time.Second, 5*time.Second)
		g.Add(2, Part{Name: "store", Close: func() error { j.add("closed store"); return nil }})
		g.Add(1, j.part("listener", 0))
		g.Add(0, j.part("collector", time.Second))
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, stop)
		began := time.Now()
		if err := g.Run(ctx); err != nil {
			t.Error(err)
		}
		want := []string{"drained collector", "closed collector", "drained listener", "closed listener", "closed store"}
		if !slices.Equal(j.lines, want) {
			t.Errorf("%q, want %q", j.lines, want)
		}
		if took := time.Since(began); took != time.Minute+time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestPartsOfAStepEndTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := new(journal)
		g := NewGroup(2 * time.Second)
		for _, name := range []string{"detector", "prober", "dashboard"} {
			g.Add(0, j.part(name, time.Second))
		}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		began := time.Now()
		if err := g.Run(ctx); err != nil || time.Since(began) != time.Second || len(j.lines) != 6 {
			t.Errorf("%v after %v: %q", err, time.Since(began), j.lines)
		}
	})
}

func TestFailureOfOnePartEndsTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := new(journal)
		boom := errors.New("boom")
		g := NewGroup(time.Second, 2*time.Second)
		g.Add(0, j.part("collector", 0))
		g.Add(1, Part{Name: "detector", Run: func(context.Context) error { time.Sleep(time.Hour); return boom }})
		// has nothing to do
		g.Add(1, Part{Name: "reloader", Run: func(context.Context) error { return nil }})
		began := time.Now()
		err := g.Run(t.Context())
		if !errors.Is(err, boom) || err.Error() != "detector: boom" || time.Since(began) != time.Hour {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if !slices.Equal(j.lines, []string{"drained collector", "closed collector"}) {
			t.Errorf("%q", j.lines)
		}
	})
}

func TestErrorsOfTheEndNameTheirParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGroup(time.Second, 2*time.Second)
		g.Add(0, Part{Name: "drain", Run: func(ctx context.Context) error { <-ctx.Done(); return errors.New("one") }})
		g.Add(1, Part{Name: "store", Close: func() error { return errors.New("two") }})
		ctx, stop := context.WithCancel(t.Context())
		stop()
		err := g.Run(ctx)
		for _, want := range []string{"stopping drain: one", "stopping store: two"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		}
	})
}

// A part that does not end delays the process until the end of its step, not longer. A step that
// ends early leaves its time to the later ones.
func TestStepsHaveDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := new(journal)
		release := make(chan struct{})
		stuck := func(context.Context) error { <-release; return nil }
		g := NewGroup(2*time.Second, 3*time.Second, 4*time.Second)
		g.Add(0, j.part("collector", 0))
		g.Add(1, Part{Name: "stuck", Run: stuck})
		g.Add(1, Part{Name: "stuck too", Run: stuck})
		g.Add(1, j.part("slow", 2900*time.Millisecond))
		g.Add(2, j.part("operations", 900*time.Millisecond))
		ctx, stop := context.WithCancel(t.Context())
		stop()
		began := time.Now()
		err := g.Run(ctx)
		if took := time.Since(began); took != 3900*time.Millisecond {
			t.Errorf("took %v", took)
		}
		if err == nil || err.Error() != "stopping stuck: it has not ended within 3s\nstopping stuck too: it has not ended within 3s" {
			t.Errorf("%v", err)
		}
		if !slices.Contains(j.lines, "drained slow") || !slices.Contains(j.lines, "drained operations") {
			t.Errorf("%q", j.lines)
		}
		close(release)
	})
}

func TestCloseWithoutRun(t *testing.T) {
	j := new(journal)
	g := NewGroup(time.Second, 2*time.Second)
	g.Add(1, j.part("store", 0))
	g.Add(0, j.part("listener", 0))
	g.Add(1, Part{Name: "worker", Run: func(context.Context) error { return nil }})
	g.Add(1, Part{Name: "inbox", Close: func() error { return errors.New("boom") }})
	if err := g.Close(); err == nil || err.Error() != "closing inbox: boom" {
		t.Error(err)
	}
	if !slices.Equal(j.lines, []string{"closed listener", "closed store"}) {
		t.Errorf("%q", j.lines)
	}
}

func TestBackground(t *testing.T) {
	boom := errors.New("boom")
	stop := Background(func(ctx context.Context) error { <-ctx.Done(); return boom })
	for range 2 {
		if err := stop(); !errors.Is(err, boom) {
			t.Error(err)
		}
	}
}
