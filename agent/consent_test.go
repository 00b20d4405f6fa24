package agent_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

func TestWithoutConsentNothingHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.setPolicy(w.signed(w.signer, nil))
		memory := newMemory()
		a := start(t, w.options(memory.spool(), report.Off))
		for range 10 {
			a.Observe(failure("shop.example"))
			time.Sleep(24 * time.Hour)
		}
		_ = a.Flush(t.Context())
		if err := a.Shutdown(t.Context()); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if len(w.seen()) != 0 || w.fetched() != 0 || memory.written() != 0 {
			t.Errorf("%d uploads, %d policy fetches, %d writes; want none", len(w.seen()), w.fetched(), memory.written())
		}
		if s := a.Stats(); s.Observed != 0 || s.Consent != report.Off {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestWithdrawnConsentPurgesAndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		var cancelled atomic.Bool
		w.setHandler("c1", func(ctx context.Context, _ upload) agent.Response {
			<-ctx.Done()
			cancelled.Store(true)
			return agent.Response{Outcome: report.Abandoned, Err: ctx.Err()}
		})
		w.setPolicy(w.signed(w.signer, nil))
		memory := newMemory()
		a := start(t, w.options(memory.spool(), report.Counts))
		a.Observe(failure("shop.example"))
		time.Sleep(4 * time.Second) // now an upload hangs
		a.Observe(failure("shop.example"))
		a.SetConsent(report.Off)
		synctest.Wait()
		if !cancelled.Load() {
			t.Error("the upload goes on")
		}
		// The upload that was cut off may have arrived, so there is a notice to send.
		if n, _ := memory.spool().Usage(); n != 0 || len(memory.blobs()) != 1 || memory.blobs()[agent.StateNotice] == nil {
			t.Errorf("%d segments and %d blobs stay, want the notice only", n, len(memory.blobs()))
		}
		w.setHandler("c1", nil)
		time.Sleep(10 * time.Minute)
		if len(memory.blobs()) != 0 {
			t.Errorf("%d blobs stay", len(memory.blobs()))
		}
		writes, uploads, fetches := memory.written(), len(w.seen()), w.fetched()
		for range 10 {
			a.Observe(failure("shop.example"))
			_ = a.Flush(t.Context())
			time.Sleep(24 * time.Hour)
		}
		if memory.written() != writes || len(w.seen()) != uploads || w.fetched() != fetches {
			t.Error("something was written or sent without consent")
		}
	})
}

func TestDataFromBeforeConsentIsNeverSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		memory := newMemory()
		w.setHandler("c1", refuse)
		earlier := start(t, w.options(memory.spool(), report.Counts))
		earlier.Observe(failure("earlier.example"))
		_ = earlier.Shutdown(t.Context()) // leaves a segment
		w.setHandler("c1", nil)

		a := start(t, w.options(memory.spool(), report.Off))
		if n, _ := memory.spool().Usage(); n != 0 {
			t.Errorf("%d segments of an earlier consent stay", n)
		}
		a.Observe(failure("without.example"))
		began := failure("began.example")
		began.Start = time.Now()
		time.Sleep(time.Second)
		a.SetConsent(report.Diagnostics)
		a.Observe(began)
		succeeded := success("began.example")
		a.ObserveRef(&succeeded, time.Now().Add(-time.Minute), 59*time.Second) // a second ago
		after := failure("after.example")
		after.Start = time.Now()
		a.Observe(after)
		succeeded.Host = after.Host
		a.ObserveRef(&succeeded, time.Now().Add(-time.Minute), time.Minute)
		time.Sleep(10 * time.Second)
		batches := w.batches()
		if len(batches) != 1 || len(batches[0].windows[0].Counters) != 2 ||
			slices.ContainsFunc(batches[0].windows[0].Counters, func(c report.Counter) bool { return c.Target != "https://after.example" }) {
			t.Errorf("received %+v, want a success and a failure of after.example only", batches)
		}
	})
}

// TestPurgeIsTriedAgain: what consent was withdrawn for goes as soon as the disk lets it.
func TestPurgeIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.setHandler("c1", refuse)
		memory := newMemory()
		a := start(t, w.options(memory.spool(), report.Counts))
		a.Observe(failure("shop.example"))
		_ = a.Flush(t.Context())
		memory.setFail(errRefused)
		a.SetConsent(report.Off)
		time.Sleep(10 * time.Minute)
		if n := segments(memory); n != 1 {
			t.Fatalf("%d segments while the disk fails, want the one", n)
		}
		memory.setFail(nil)
		time.Sleep(2 * time.Minute)
		if n := segments(memory); n != 0 || len(memory.blobs()) != 0 {
			t.Errorf("%d segments and %d blobs stay", n, len(memory.blobs()))
		}
	})
}

func TestSpoolThatCannotBePurgedKeepsConsentOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		memory := newMemory()
		a := start(t, w.options(memory.spool(), report.Off))
		memory.setFail(errRefused)
		a.SetConsent(report.Counts)
		if got := a.Stats().Consent; got != report.Off {
			t.Errorf("consent %v, want off", got)
		}
		memory.setFail(nil)
		a.SetConsent(report.Counts)
		if got := a.Stats().Consent; got != report.Counts {
			t.Errorf("consent %v, want counts", got)
		}
	})
}

func TestChangeBetweenLevels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Diagnostics))
		o := failure("shop.example")
		o.URL = "https://shop.example/private"
		a.Observe(o)
		a.SetConsent(report.Counts) // lowers the open window
		a.Observe(o)
		time.Sleep(4 * time.Second)
		b := w.batches()[0]
		if len(b.samples) != 0 || b.headers[0].Consent != report.Counts || b.windows[0].Counters[0].Count != 2 {
			t.Errorf("after lowering: %+v", b)
		}
		a.Observe(o)
		a.SetConsent(report.Diagnostics) // does not raise the open window
		a.Observe(o)
		time.Sleep(4 * time.Second)
		a.Observe(o)
		time.Sleep(4 * time.Second)
		levels := map[report.Consent]int{}
		for _, b := range w.batches() {
			levels[b.headers[0].Consent]++
			if samples := len(b.samples); (samples > 0) != (b.headers[0].Consent == report.Diagnostics) {
				t.Errorf("%d samples under %v", samples, b.headers[0].Consent)
			}
		}
		if levels[report.Counts] != 2 || levels[report.Diagnostics] != 1 {
			t.Errorf("levels %v", levels)
		}
	})
}

// TestHeaderFollowsConsentWithinASegment: what was recorded under one level is not read
// under another.
func TestHeaderFollowsConsentWithinASegment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.setHandler("c1", func(context.Context, upload) agent.Response {
			return agent.Response{Outcome: report.HTTPError, Status: 503, RetryAfter: 5 * time.Minute}
		})
		a := start(t, w.options(newMemory().spool(), report.Diagnostics))
		a.Observe(failure("first.example"))
		time.Sleep(4 * time.Second) // offered and put off; from now on one segment stays open
		a.Observe(failure("second.example"))
		time.Sleep(4 * time.Second)
		a.SetConsent(report.Counts)
		a.Observe(failure("third.example"))
		time.Sleep(4 * time.Second)
		w.setHandler("c1", nil)
		time.Sleep(10 * time.Minute)
		for _, b := range w.batches() {
			if len(b.windows) == 2 {
				if len(b.headers) != 2 || b.headers[0].Consent != report.Diagnostics || b.headers[1].Consent != report.Counts || len(b.samples) != 1 {
					t.Errorf("segment %+v", b)
				}
				return
			}
		}
		t.Error("no segment with both windows")
	})
}
