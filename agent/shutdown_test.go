package agent_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/report"
)

func TestShutdownDeliversTheOpenWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		a.Observe(failure("shop.example"))
		for range 2 {
			if err := a.Shutdown(t.Context()); err != nil {
				t.Fatalf("shutdown: %v", err)
			}
		}
		a.Observe(failure("shop.example"))
		a.SetConsent(report.Diagnostics)
		a.Observe(failure("shop.example"))
		if got := w.totals()[report.TCPRefused]; got != 1 || a.Stats().Observed != 1 {
			t.Errorf("%v failures arrived, want 1; stats %+v", got, a.Stats())
		}
	})
}

func TestShutdownSaysWhatRemains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1", "c2")
		w.setHandler("c1", refuse)
		w.setHandler("c2", refuse)
		memory := newMemory()
		a := start(t, w.options(memory.spool(), report.Counts))
		a.Observe(failure("shop.example"))
		remain, ok := errors.AsType[*agent.RemainError](a.Shutdown(t.Context()))
		if !ok || remain.Segments != 1 || remain.Bytes < 1000 || !errors.Is(remain.Cause, errRefused) {
			t.Fatalf("shutdown: %+v", remain)
		}
		if got := w.seen(); len(got) != 2 {
			t.Errorf("%d tries, want one per collector", len(got))
		}
		w.setHandler("c2", nil)
		b := start(t, w.options(memory.spool(), report.Counts)) // the next run
		if err := b.Shutdown(t.Context()); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if got := w.totals()[report.TCPRefused]; got != 1 {
			t.Errorf("%v failures arrived, want 1", got)
		}
	})
}

func TestShutdownSealsEvenWithoutTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		memory := newMemory()
		a := start(t, w.options(memory.spool(), report.Counts))
		a.Observe(failure("shop.example"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = a.Shutdown(ctx)
		synctest.Wait()
		remain, ok := errors.AsType[*agent.RemainError](a.Shutdown(t.Context()))
		if !ok || remain.Segments != 1 || !errors.Is(remain, context.Canceled) {
			t.Errorf("shutdown: %v", remain)
		}
		if list, _ := memory.spool().List(); len(list) != 1 || len(w.seen()) != 0 {
			t.Errorf("%d segments and %d uploads, want one and none", len(list), len(w.seen()))
		}
	})
}

// TestShutdownEndsWithItsContext, even if the transport does not.
func TestShutdownEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.setHandler("c1", func(ctx context.Context, u upload) agent.Response {
			time.Sleep(time.Hour)
			return refuse(ctx, u)
		})
		a := start(t, w.options(newMemory().spool(), report.Counts))
		a.Observe(failure("shop.example"))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		err := a.Shutdown(ctx)
		if took := time.Since(began); took > 7*time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("took %v and returned %v", took, err)
		}
		time.Sleep(2 * time.Hour)
	})
}

// TestShutdownCutsAnUploadShort when its context ends, and no later.
func TestShutdownCutsAnUploadShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.setHandler("c1", func(ctx context.Context, u upload) agent.Response {
			<-ctx.Done()
			return agent.Response{Outcome: report.Abandoned, Err: ctx.Err()}
		})
		a := start(t, w.options(newMemory().spool(), report.Counts))
		a.Observe(failure("shop.example"))
		time.Sleep(4 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		remain, ok := errors.AsType[*agent.RemainError](a.Shutdown(ctx))
		if took := time.Since(began); took != 5*time.Second || !ok || remain.Segments != 1 {
			t.Errorf("took %v and returned %v", took, remain)
		}
	})
}

func TestShutdownLetsAnUploadFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.setHandler("c1", func(ctx context.Context, u upload) agent.Response {
			select {
			case <-ctx.Done():
				return agent.Response{Outcome: report.Abandoned, Err: ctx.Err()}
			case <-time.After(10 * time.Second):
				return w.store(ctx, u)
			}
		})
		a := start(t, w.options(newMemory().spool(), report.Counts))
		a.Observe(failure("shop.example"))
		time.Sleep(4 * time.Second)
		if err := a.Shutdown(t.Context()); err != nil || len(w.seen()) != 1 {
			t.Errorf("shutdown: %v after %d uploads, want the one under way to count", err, len(w.seen()))
		}
	})
}

// TestFlushWithoutTime seals, and says that it is not delivered.
func TestFlushWithoutTime(t *testing.T) {
	for range 10 { // to be out of time and to have it can be the same to a select
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, "c1")
			memory := newMemory()
			a := start(t, w.options(memory.spool(), report.Counts))
			a.Observe(failure("shop.example"))
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			remain, ok := errors.AsType[*agent.RemainError](a.Flush(ctx))
			if !ok || remain.Segments != 1 || remain.Bytes < 1000 || !errors.Is(remain, context.Canceled) || segments(memory) != 1 {
				t.Errorf("flush: %v, %d segments kept; want one", remain, segments(memory))
			}
		})
	}
}

func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		a.Observe(failure("shop.example"))
		if err := a.Flush(t.Context()); err != nil || len(w.seen()) != 1 {
			t.Errorf("flush: %v after %d uploads", err, len(w.seen()))
		}
		w.setHandler("c1", func(_ context.Context, u upload) agent.Response {
			return w.says(u, receipt.Statement{Decision: receipt.SlowDown, Reason: receipt.ReasonOverload, DelayMS: 60_000})
		})
		for i := range 3 { // the first is offered; the second opens a segment, where the third goes
			a.Observe(failure("shop.example"))
			remain, ok := errors.AsType[*agent.RemainError](a.Flush(t.Context()))
			if want := min(i+1, 2); !ok || remain.Segments != want || remain.Bytes != a.Stats().PendingBytes {
				t.Errorf("flush: %v, want %d segments of %d bytes", remain, want, a.Stats().PendingBytes)
			}
		}
		if got := len(w.seen()); got != 2 {
			t.Errorf("%d uploads: a collector that asked for time was not given it", got)
		}
	})
}

// TestPanicsStayInside: neither a spool nor a transport nor a handler that panics reaches the host
// or ends the agent.
func TestPanicsStayInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.setPolicy(w.signed(w.signer, nil))
		crash := true
		w.setHandler("c1", func(ctx context.Context, u upload) agent.Response {
			if crash {
				panic("transport")
			}
			return w.store(ctx, u)
		})
		spool := &panickySpool{memSpool: newMemory().spool()}
		o := w.options(spool, report.Counts)
		o.OnEvent = func(agent.Event) { panic("handler") }
		a, err := agent.New(o)
		if err != nil {
			t.Fatal(err)
		}
		a.Observe(failure("first.example"))
		time.Sleep(time.Minute) // the spool panics
		a.Observe(failure("second.example"))
		time.Sleep(time.Minute) // the transport panics
		if got := a.Stats().Panics; got < 2 {
			t.Errorf("%d panics caught, want both", got)
		}
		crash = false
		a.Observe(failure("third.example"))
		time.Sleep(10 * time.Minute)
		if err := a.Shutdown(t.Context()); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if got := w.totals()[report.TCPRefused]; got != 2 {
			t.Errorf("%v failures arrived, want the second and the third", got)
		}
	})
}

type panickySpool struct {
	*memSpool
	once sync.Once
}

func (s *panickySpool) Begin(birth time.Time, id report.BatchID, prefix []byte) (agent.SegmentWriter, error) {
	s.once.Do(func() { panic("spool") })
	return s.memSpool.Begin(birth, id, prefix)
}

// TestPanicAtTheStart: a spool that panics in New leaves the agent off, until the user's next word.
func TestPanicAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a, err := agent.New(w.options(&panickyState{memSpool: newMemory().spool()}, report.Counts))
		if err != nil {
			t.Fatal(err)
		}
		if s := a.Stats(); s.Panics != 1 || s.Consent != report.Off {
			t.Errorf("%d panics caught and consent %d, want one and off", s.Panics, s.Consent)
		}
		a.SetConsent(report.Counts)
		a.Observe(failure("shop.example"))
		if err := a.Shutdown(t.Context()); err != nil || w.totals()[report.TCPRefused] != 1 {
			t.Errorf("shutdown: %v; %v failures arrived, want 1", err, w.totals()[report.TCPRefused])
		}
	})
}

type panickyState struct {
	*memSpool
	once sync.Once
}

func (s *panickyState) State(name string, update func([]byte) []byte) ([]byte, error) {
	s.once.Do(func() { panic("spool") })
	return s.memSpool.State(name, update)
}

// TestConcurrentUse runs everything at once, for the race detector.
func TestConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1", "c2")
		w.policy.RefreshSeconds = 1
		w.setPolicy(w.signed(w.signer, version(2, nil)))
		a := start(t, w.options(newMemory().spool(), report.Diagnostics))
		var group sync.WaitGroup
		for i := range 4 {
			group.Go(func() {
				for j := range 50 {
					o := failure("shop.example")
					o.URL = "https://shop.example/"
					a.Observe(o)
					a.Observe(success("shop.example"))
					if i == 0 && j%10 == 0 {
						_ = a.Flush(t.Context())
					}
					if i == 1 && j%10 == 5 {
						a.SetConsent(report.Consent(j / 10 % 3))
					}
					_ = a.Stats()
					time.Sleep(100 * time.Millisecond)
				}
			})
		}
		group.Wait()
		_ = a.Shutdown(t.Context())
	})
}
