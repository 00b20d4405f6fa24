package agent_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/report"
)

// TestOnlyAValidReceiptDeletes: whatever else answers, the batch stays and is delivered
// later, once.
func TestOnlyAValidReceiptDeletes(t *testing.T) {
	text := func(status uint16, body string) func(*world, upload) agent.Response {
		return func(*world, upload) agent.Response {
			r := agent.Response{Outcome: report.OK, Status: status, Body: []byte(body)}
			if status >= 400 {
				r.Outcome = report.HTTPError
			}
			return r
		}
	}
	stored := receipt.Statement{Decision: receipt.Stored}
	for _, test := range []struct {
		name    string
		answer  func(*world, upload) agent.Response
		outcome report.Outcome
	}{
		{"captive portal", text(200, "<html>Please log in"), report.HTTPResponseInvalid},
		{"redirect", text(302, ""), report.HTTPResponseInvalid},
		{"accepted without receipt", text(202, ""), report.HTTPResponseInvalid},
		{"router's 403", text(403, "blocked"), report.HTTPError},
		{"gone", text(410, ""), report.HTTPError},
		{"proxy's 502", text(502, "bad gateway"), report.HTTPError},
		{"reset", func(*world, upload) agent.Response {
			return agent.Response{Outcome: report.TCPReset, Err: errRefused}
		}, report.TCPReset},
		{"receipt by another key", func(w *world, u upload) agent.Response {
			u.collector = "c2"
			return w.says(u, stored)
		}, report.HTTPResponseInvalid},
		{"receipt for another batch", func(w *world, u upload) agent.Response {
			s := stored
			s.Batch = report.BatchID{9}
			return w.says(u, s)
		}, report.HTTPResponseInvalid},
		{"receipt for another body", func(w *world, u upload) agent.Response {
			s := stored
			s.Body = [32]byte{9}
			return w.says(u, s)
		}, report.HTTPResponseInvalid},
		{"refusal of another body", func(w *world, u upload) agent.Response {
			return w.says(u, receipt.Statement{Decision: receipt.Refused, Reason: receipt.ReasonMalformed, Body: [32]byte{9}})
		}, report.HTTPResponseInvalid},
		{"truncated receipt", func(w *world, u upload) agent.Response {
			r := w.says(u, stored)
			r.Body = r.Body[:len(r.Body)-1]
			return r
		}, report.HTTPResponseInvalid},
		{"receipt with a flipped bit", func(w *world, u upload) agent.Response {
			r := w.says(u, stored)
			r.Body[len(r.Body)-1] ^= 1
			return r
		}, report.HTTPResponseInvalid},
		{"receipt that broke off", func(w *world, u upload) agent.Response {
			r := w.says(u, stored)
			r.Err, r.Outcome = errRefused, report.HTTPContentLengthMismatch
			return r
		}, report.HTTPContentLengthMismatch},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "c1", "c2")
				w.policy.Collectors = w.policy.Collectors[:1]
				w.setHandler("c1", func(_ context.Context, u upload) agent.Response { return test.answer(w, u) })
				a := start(t, w.options(newMemory().spool(), report.Counts))
				a.Observe(failure("shop.example"))
				time.Sleep(time.Minute)
				if s := a.Stats(); s.Pending != 1 || s.Delivered != 0 || len(s.Dropped) != 0 {
					t.Fatalf("stats %+v, want the segment to stay", s)
				}
				tried := len(w.seen())
				if tried < 2 {
					t.Fatalf("%d tries in a minute, want several", tried)
				}
				w.setHandler("c1", nil)
				time.Sleep(time.Hour)
				if s := a.Stats(); s.Pending != 0 || s.Delivered != 1 {
					t.Errorf("stats %+v, want it delivered once", s)
				}
				last := w.seen()[len(w.seen())-1].delivery
				if len(last.Path) != min(tried, report.MaxPath) {
					t.Errorf("path %+v of %d failed tries", last.Path, tried)
				}
				for _, p := range last.Path {
					if p != (report.Attempt{Collector: "c1", Outcome: test.outcome}) {
						t.Errorf("path has %+v, want %v", p, test.outcome)
					}
				}
			})
		})
	}
}

func TestRefusedForGoodIsDroppedAndTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1", "c2")
		w.setHandler("c1", func(_ context.Context, u upload) agent.Response {
			return w.says(u, receipt.Statement{Decision: receipt.Refused, Reason: receipt.ReasonMalformed})
		})
		a := start(t, w.options(newMemory().spool(), report.Diagnostics))
		a.Observe(failure("shop.example")) // a window and a sample
		time.Sleep(4 * time.Second)
		if s := a.Stats(); s.Pending != 0 || s.Delivered != 0 || s.Dropped[report.DropRefused] != 2 {
			t.Errorf("stats %+v, want two records refused", s)
		}
		if got := w.seen(); len(got) != 1 {
			t.Errorf("%d uploads: a refusal is final", len(got))
		}
		w.setHandler("c1", nil)
		a.Observe(failure("shop.example"))
		time.Sleep(4 * time.Second)
		if got := w.drops()[report.DropRefused]; got != 2 {
			t.Errorf("headers tell of %d refused, want 2", got)
		}
	})
}

// What does not follow from the bytes is one collector's word about itself: another is asked, and
// without another the segment is kept and tried again, at longer and longer intervals, while others
// are delivered.
func TestOnlyFaultsOfTheBytesAreFinal(t *testing.T) {
	for _, s := range []receipt.Statement{
		{Decision: receipt.Refused, Reason: receipt.ReasonUnknownKey},
		{Decision: receipt.Refused, Reason: receipt.ReasonIDConflict},
		{Decision: receipt.Refused, Reason: "bad_delivery"},
		{Decision: receipt.Refused, Reason: "some_other_reason"},
		{Decision: receipt.SlowDown, Reason: receipt.ReasonUnknownKey},
		{Decision: receipt.SlowDown, Reason: receipt.ReasonIDConflict},
	} {
		t.Run(s.Decision.String()+"/"+s.Reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "c1", "c2")
				says := func(_ context.Context, u upload) agent.Response { return w.says(u, s) }
				w.setHandler("c1", says)
				a := start(t, w.options(newMemory().spool(), report.Counts))
				a.Observe(failure("shop.example"))
				time.Sleep(4 * time.Second)
				if got := w.seen(); len(got) != 2 || got[1].collector != "c2" || a.Stats().Delivered != 1 {
					t.Errorf("%d uploads, %+v; want the other collector to be asked at once", len(got), a.Stats())
				}

				w.setHandler("c2", says)
				before := len(w.seen())
				a.Observe(failure("shop.example"))
				time.Sleep(24 * time.Hour)
				if s, tries := a.Stats(), len(w.seen())-before; s.Pending != 1 || s.Dropped[report.DropRefused] != 0 || tries < 8 || tries > 60 {
					t.Errorf("%d tries in a day, %+v; want it kept and tried now and then", tries, s)
				}
				kept := w.seen()[before].id
				w.setHandler("c1", func(ctx context.Context, u upload) agent.Response {
					if u.id == kept {
						return says(ctx, u)
					}
					return w.store(ctx, u)
				})
				a.Observe(failure("shop.example"))
				time.Sleep(4 * time.Second)
				if s := a.Stats(); s.Delivered != 2 || s.Pending != 1 {
					t.Errorf("%+v, want the new segment not to wait for the declined one", s)
				}
				w.setHandler("c1", nil)
				time.Sleep(8 * time.Hour)
				if s := a.Stats(); s.Delivered != 3 || s.Pending != 0 {
					t.Errorf("%+v, want everything delivered in the end", s)
				}
			})
		})
	}
}

// A withdrawal's notice is kept as well, and makes no storm.
func TestDeclinedNoticeIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		a.Observe(failure("shop.example"))
		time.Sleep(4 * time.Second)
		w.setHandler("c1", func(_ context.Context, u upload) agent.Response {
			return w.says(u, receipt.Statement{Decision: receipt.Refused, Reason: receipt.ReasonUnknownKey})
		})
		before := len(w.seen())
		a.SetConsent(report.Off)
		time.Sleep(24 * time.Hour)
		if tries := len(w.seen()) - before; tries < 5 || tries > 30 {
			t.Errorf("%d tries in a day", tries)
		}
		w.setHandler("c1", nil)
		time.Sleep(8 * time.Hour)
		if n := len(w.notices()); n != 1 {
			t.Errorf("%d notices were delivered, want 1", n)
		}
	})
}

func TestFailoverRecordsThePath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1", "c2", "c3")
		w.setHandler("c1", refuse)
		w.setHandler("c2", func(context.Context, upload) agent.Response {
			return agent.Response{Outcome: report.HTTPError, Status: 503}
		})
		a := start(t, w.options(newMemory().spool(), report.Counts))
		a.Observe(failure("shop.example"))
		time.Sleep(4 * time.Second)
		uploads := w.seen()
		if len(uploads) != 3 || a.Stats().Delivered != 1 {
			t.Fatalf("%d uploads, want one per collector; stats %+v", len(uploads), a.Stats())
		}
		want := []report.Attempt{{Collector: "c1", Outcome: report.TCPRefused}, {Collector: "c2", Outcome: report.HTTPError}}
		if got := uploads[2]; got.collector != "c3" || !slices.Equal(got.delivery.Path, want) {
			t.Errorf("last upload to %s with path %+v, want c3 and %+v", got.collector, got.delivery.Path, want)
		}
		if uploads[2].at.Sub(uploads[0].at) != 0 {
			t.Error("failover waited")
		}
	})
}

func TestWeightsShareCollectorsOfOnePriority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "a", "b", "spare", "later")
		for i, weight := range []uint32{3, 1, 0, 9} {
			w.policy.Collectors[i].Weight, w.policy.Collectors[i].Priority = weight, uint32(i/3)
		}
		o := w.options(newMemory().spool(), report.Counts)
		o.Rand = seeded(3)
		a := start(t, o)
		const n = 200
		for range n {
			a.Observe(failure("shop.example"))
			time.Sleep(4 * time.Second)
		}
		got := make(map[string]int)
		for _, u := range w.seen() {
			got[u.collector]++
		}
		if got["spare"] != 0 || got["later"] != 0 || got["a"]+got["b"] != n || got["b"] < n/4-25 || got["b"] > n/4+25 {
			t.Errorf("uploads %v, want 3 to 1 between a and b", got)
		}
	})
}

// TestBackoff: through a day without collectors an agent keeps what it has, tries seldom, and
// delivers everything once when it can.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1", "c2")
		w.setHandler("c1", refuse)
		w.setHandler("c2", refuse)
		a := start(t, w.options(newMemory().spool(), report.Counts))
		const n = 24
		for i := range n {
			a.Observe(failure("h" + strconv.Itoa(i) + ".example"))
			time.Sleep(time.Hour)
		}
		tries := w.seen()
		// With full jitter up to 5 minutes, a collector is tried every 2.5 minutes on average.
		if perDay := len(tries) / 2; perDay < 300 || perDay > 900 {
			t.Errorf("%d tries per collector in a day", perDay)
		}
		for _, c := range []string{"c1", "c2"} {
			if gap := longestGap(tries, c); gap > 6*time.Minute {
				t.Errorf("%s was left alone for %v, want at most 5 minutes and a little", c, gap)
			}
		}
		if first := tries[0].at; tries[3].at.Sub(first) > 10*time.Second {
			t.Errorf("the second round came after %v", tries[3].at.Sub(first))
		}
		w.setHandler("c2", nil)
		time.Sleep(10 * time.Minute)
		if got := w.totals()[report.TCPRefused]; got != n || a.Stats().Pending != 0 {
			t.Errorf("%v failures arrived of %d, stats %+v", got, n, a.Stats())
		}
	})
}

// TestBackoffStartsAnew after a success.
func TestBackoffStartsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.setHandler("c1", refuse)
		a := start(t, w.options(newMemory().spool(), report.Counts))
		a.Observe(failure("shop.example"))
		time.Sleep(24 * time.Hour)
		w.setHandler("c1", nil)
		time.Sleep(time.Hour)
		w.setHandler("c1", refuse)
		a.Observe(failure("shop.example"))
		time.Sleep(time.Minute)
		tries := 0
		for _, u := range w.seen() {
			if time.Since(u.at) < time.Minute {
				tries++
			}
		}
		if tries < 3 {
			t.Errorf("%d tries within a minute of a fresh failure", tries)
		}
	})
}

// TestOwnHasteIsNoFailure: what the agent cuts off itself says nothing about the collector.
func TestOwnHasteIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		var calls atomic.Int32
		w.setHandler("c1", func(ctx context.Context, u upload) agent.Response {
			if calls.Add(1) > 1 {
				return w.store(ctx, u)
			}
			<-ctx.Done()
			return agent.Response{Outcome: report.Abandoned, Err: ctx.Err()}
		})
		a := start(t, w.options(newMemory().spool(), report.Counts))
		a.Observe(failure("shop.example"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		// nil: the agent itself has tried again by now
		if err := a.Flush(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("flush: %v", err)
		}
		if err := a.Flush(t.Context()); err != nil {
			t.Errorf("flush: %v", err)
		}
		if got := w.seen(); len(got) != 2 || len(got[1].delivery.Path) != 0 {
			t.Errorf("uploads %+v, want a second one without a path", got)
		}
	})
}

func longestGap(uploads []upload, collector string) (gap time.Duration) {
	var last time.Time
	for _, u := range uploads {
		if u.collector == collector {
			if !last.IsZero() {
				gap = max(gap, u.at.Sub(last))
			}
			last = u.at
		}
	}
	return gap
}

// TestWaitsThatCollectorsAskFor are heeded, within bounds that depend on whether they are signed.
func TestWaitsThatCollectorsAskFor(t *testing.T) {
	slow := func(ms uint64) func(*world, upload) agent.Response {
		return func(w *world, u upload) agent.Response {
			return w.says(u, receipt.Statement{Decision: receipt.SlowDown, Reason: receipt.ReasonOverload, DelayMS: ms})
		}
	}
	retry := func(d time.Duration) func(*world, upload) agent.Response {
		return func(*world, upload) agent.Response {
			return agent.Response{Outcome: report.HTTPError, Status: 503, RetryAfter: d}
		}
	}
	for _, test := range []struct {
		name      string
		answer    func(*world, upload) agent.Response
		low, high time.Duration // of the wait
	}{
		{"signed", slow(90_000), 90 * time.Second, 92 * time.Second},
		{"signed and too long", slow(24 * 3_600_000), time.Hour, time.Hour + time.Minute},
		{"header", retry(100 * time.Second), 100 * time.Second, 102 * time.Second},
		{"header and too long", retry(24 * time.Hour), 5 * time.Minute, 6 * time.Minute},
		{"header and negative", retry(-time.Hour), 0, 2 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "c1")
				w.setHandler("c1", func(_ context.Context, u upload) agent.Response { return test.answer(w, u) })
				a := start(t, w.options(newMemory().spool(), report.Counts))
				a.Observe(failure("shop.example"))
				time.Sleep(4 * time.Second)
				w.setHandler("c1", nil)
				for range 4 { // new data is no reason to come early
					a.Observe(failure("shop.example"))
					time.Sleep(20 * time.Minute)
				}
				uploads := w.seen()
				if got := uploads[1].at.Sub(uploads[0].at); got < test.low || got > test.high {
					t.Errorf("waited %v, want %v to %v", got, test.low, test.high)
				}
			})
		})
	}
}

// TestPoisonDoesNotBlock: a segment that never gets through leaves the way to the others.
func TestPoisonDoesNotBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		var poison report.BatchID
		w.setHandler("c1", func(ctx context.Context, u upload) agent.Response {
			if poison == (report.BatchID{}) {
				poison = u.id
			}
			if u.id == poison {
				return refuse(ctx, u)
			}
			return w.store(ctx, u)
		})
		a := start(t, w.options(newMemory().spool(), report.Counts))
		for range 10 {
			a.Observe(failure("shop.example"))
			time.Sleep(10 * time.Minute)
		}
		if s := a.Stats(); s.Delivered != 9 || s.Pending != 1 {
			t.Errorf("stats %+v, want 9 delivered and 1 pending", s)
		}
	})
}

func TestAgeComesFromTheBirthOfTheSegment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.setHandler("c1", refuse)
		memory := newMemory()
		first := start(t, w.options(memory.spool(), report.Counts))
		first.Observe(failure("shop.example"))
		if err := first.Shutdown(t.Context()); err == nil {
			t.Fatal("nothing remains")
		}
		time.Sleep(40 * 24 * time.Hour)
		w.setHandler("c1", nil)
		second := start(t, w.options(memory.spool(), report.Counts))
		second.Observe(failure("shop.example"))
		time.Sleep(4 * time.Second)
		uploads := w.seen()[len(w.seen())-2:]
		if got := uploads[0].delivery.Age; got != report.MaxAge {
			t.Errorf("age %d of a segment of 40 days, want MaxAge", got)
		}
		if got := uploads[1].delivery.Age; got > 1000 {
			t.Errorf("age %d of a fresh segment", got)
		}
	})
}

func TestOneUploaderPerSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		memory := newMemory()
		var inside atomic.Int32
		var overlap atomic.Bool
		w.setHandler("c1", func(ctx context.Context, u upload) agent.Response {
			if inside.Add(1) > 1 {
				overlap.Store(true)
			}
			time.Sleep(3 * time.Second)
			inside.Add(-1)
			return w.store(ctx, u)
		})
		var agents []*agent.Agent
		for range 4 {
			agents = append(agents, start(t, w.options(memory.spool(), report.Counts)))
		}
		for range 5 {
			for _, a := range agents {
				a.Observe(failure("shop.example"))
			}
			time.Sleep(2 * time.Second)
		}
		time.Sleep(time.Minute)
		if overlap.Load() {
			t.Error("two agents uploaded from one spool at a time")
		}
		if got := w.totals()[report.TCPRefused]; got != 20 || len(w.seen()) != len(w.batches()) {
			t.Errorf("%v failures arrived of 20, in %d uploads of %d batches", got, len(w.seen()), len(w.batches()))
		}
	})
}

func TestUploadsStayWithinTheDaysBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		const limit = 4000
		w.policy.BytesPerDay = limit
		a := start(t, w.options(newMemory().spool(), report.Counts))
		days := 0
		for range 2 {
			for range 10 {
				a.Observe(failure("shop.example"))
				time.Sleep(time.Minute)
			}
			sent := 0
			for _, u := range w.seen() {
				sent += len(u.segment)
			}
			if days++; sent == 0 || sent > days*limit {
				t.Errorf("%d bytes sent in %d days, want at most %d a day", sent, days, limit)
			}
			time.Sleep(24 * time.Hour)
		}
		if a.Stats().Pending == 0 {
			t.Error("the limit held nothing back: the test shows nothing")
		}
	})
}

func TestSegmentThatCannotBeDeletedIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		memory := newMemory()
		memory.stuck = errRefused
		a := start(t, w.options(memory.spool(), report.Counts))
		for range 3 {
			a.Observe(failure("shop.example"))
			time.Sleep(time.Minute)
		}
		if got := w.seen(); len(got) != 3 {
			t.Errorf("%d uploads of 3 segments", len(got))
		}
		memory.mu.Lock()
		memory.stuck = nil
		memory.mu.Unlock()
		a.Observe(failure("shop.example"))
		time.Sleep(time.Minute)
		if n := segments(memory); n != 0 || len(w.seen()) != 4 {
			t.Errorf("%d segments stay after the disk let them go, %d uploads of 4", n, len(w.seen()))
		}
	})
}

// TestSilentCollector: one that never answers costs its time limit, and the next gets the batch.
func TestSilentCollector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1", "c2")
		w.setHandler("c1", func(ctx context.Context, _ upload) agent.Response {
			<-ctx.Done()
			return agent.Response{Outcome: report.TCPTimedOut, Err: ctx.Err()}
		})
		a := start(t, w.options(newMemory().spool(), report.Counts))
		a.Observe(failure("shop.example"))
		time.Sleep(90 * time.Second)
		uploads := w.seen()
		if s := a.Stats(); s.Delivered != 1 || len(uploads) != 2 || uploads[1].delivery.Path[0].Outcome != report.TCPTimedOut {
			t.Errorf("stats %+v after %d uploads", s, len(uploads))
		}
	})
}

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1", "c2")
		w.setHandler("c1", refuse)
		w.setPolicy(w.signed(w.signer, nil))
		o := w.options(newMemory().spool(), report.Counts)
		var events []agent.Event
		o.OnEvent = func(e agent.Event) { events = append(events, e) }
		a := start(t, o)
		a.Observe(failure("shop.example"))
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if len(events) != 2 || events[0].Kind != agent.EventNotDelivered || events[0].Collector != "c1" || events[0].Outcome != report.TCPRefused ||
			!errors.Is(events[0].Err, errRefused) || events[1].Kind != agent.EventDelivered || events[1].Collector != "c2" ||
			events[1].Batch != w.batches()[0].id {
			t.Errorf("events %+v", events)
		}
	})
}
