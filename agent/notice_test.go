package agent_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// notices are the tokens of every deletion notice that was received.
func (w *world) notices() (all [][][16]byte) {
	w.t.Helper()
	for _, b := range w.batches() {
		for _, n := range b.notices {
			all = append(all, n.Clients)
			if len(b.headers) != 1 || b.headers[0].Client != [16]byte{} || len(b.windows) != 0 {
				w.t.Errorf("a notice comes with %+v", b)
			}
		}
	}
	return all
}

// clients are the tokens of every batch that was received, sorted.
func (w *world) clients() (all [][16]byte) {
	w.t.Helper()
	for _, b := range w.batches() {
		for _, h := range b.headers {
			if h.Client != [16]byte{} {
				all = append(all, h.Client)
			}
		}
	}
	slices.SortFunc(all, func(x, y [16]byte) int { return slices.Compare(x[:], y[:]) })
	return slices.Compact(all)
}

func TestRevokingSendsOneNoticeOfTheDaysThatWereSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		memory := newMemory()
		a := start(t, w.options(memory.spool(), report.Counts))
		for range 3 {
			a.Observe(failure("shop.example"))
			time.Sleep(24 * time.Hour)
			synctest.Wait()
		}
		w.setHandler("c1", refuse)
		a.Observe(failure("shop.example")) // of a fourth day, and never sent
		time.Sleep(4 * time.Second)
		synctest.Wait()
		a.SetConsent(report.Off)
		if n, _ := memory.spool().Usage(); n != 0 {
			t.Errorf("%d segments stay", n)
		}
		w.setHandler("c1", nil)
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := w.notices(); len(got) != 1 || len(got[0]) != 3 || !slices.Equal(got[0], w.clients()) {
			t.Errorf("notices %x, want one of %x", got, w.clients())
		}
		uploads := len(w.seen())
		a.Observe(failure("shop.example"))
		a.SetConsent(report.Off)
		time.Sleep(30 * 24 * time.Hour)
		synctest.Wait()
		if err := a.Shutdown(t.Context()); err != nil || len(w.seen()) != uploads || len(memory.blobs()) != 0 {
			t.Errorf("after the notice: %v, %d uploads more, %d blobs", err, len(w.seen())-uploads, len(memory.blobs()))
		}
	})
}

func TestUserOfWhomNothingWasSentSendsNoNotice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.setHandler("c1", refuse)
		memory := newMemory()
		a := start(t, w.options(memory.spool(), report.Counts))
		a.Observe(failure("shop.example"))
		time.Sleep(time.Hour)
		synctest.Wait()
		uploads := len(w.seen())
		w.setHandler("c1", nil)
		a.SetConsent(report.Off)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if len(w.seen()) != uploads || len(memory.blobs()) != 0 {
			t.Errorf("%d uploads after revoking, %d blobs; want none", len(w.seen())-uploads, len(memory.blobs()))
		}
	})
}

// The answer to an upload was lost, so it may have arrived.
func TestLostReceiptCountsAsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.setHandler("c1", func(ctx context.Context, u upload) agent.Response {
			w.store(ctx, u)
			return agent.Response{Outcome: report.TCPReset, Err: errors.New("connection reset")}
		})
		a := start(t, w.options(newMemory().spool(), report.Counts))
		a.Observe(failure("shop.example"))
		time.Sleep(4 * time.Second)
		synctest.Wait()
		w.setHandler("c1", nil)
		a.SetConsent(report.Off)
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := w.notices(); len(got) != 1 || !slices.Equal(got[0], w.clients()) {
			t.Errorf("notices %x, want one of %x", got, w.clients())
		}
	})
}

// stopping is a spool whose process dies at one of the steps of a revocation.
type stopping struct {
	*memSpool
	at func(step string) bool
}

var errDied = errors.New("died")

func (s stopping) State(name string, update func([]byte) []byte) ([]byte, error) {
	if name == agent.StateNotice && s.at("state") {
		return nil, errDied
	}
	return s.memSpool.State(name, update)
}

func (s stopping) Purge() error {
	if s.at("purge") {
		return errDied
	}
	return s.memSpool.Purge()
}

// Whatever step of a revocation is the last that its process does, the next agent sends one notice
// and nothing of what was there.
func TestNoticeSurvivesACrashWhileRevoking(t *testing.T) {
	for dies := range 7 {
		for _, next := range []report.Consent{report.Off, report.Counts} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "c1")
				memory := newMemory()
				step, revoking := 0, false
				first := start(t, w.options(stopping{memory.spool(), func(string) bool {
					if revoking {
						step++
					}
					return revoking && step > dies
				}}, report.Counts))
				first.Observe(failure("sent.example"))
				time.Sleep(4 * time.Second)
				synctest.Wait()
				sent := w.clients()
				w.setHandler("c1", refuse)
				first.Observe(failure("kept.example"))
				time.Sleep(4 * time.Second)
				synctest.Wait()
				revoking = true
				first.SetConsent(report.Off)
				w.setHandler("c1", nil)
				ended, cancel := context.WithCancel(t.Context())
				cancel()
				_ = first.Shutdown(ended)

				noticed := memory.blobs()[agent.StateNotice] != nil
				second := start(t, w.options(memory.spool(), next))
				time.Sleep(time.Hour)
				synctest.Wait()
				if next == report.Counts && !noticed {
					return // to this process the user never revoked
				}
				if got := w.notices(); len(got) != 1 || !slices.Equal(got[0], sent) {
					t.Errorf("died after %d steps, then %v: notices %x, want one of %x", dies, next, got, sent)
				}
				if w.totals()[report.TCPRefused] != 1 {
					t.Errorf("died after %d steps, then %v: something from before was sent after the notice", dies, next)
				}
				_ = second.Shutdown(t.Context())
			})
		}
	}
}

func TestNoticeWaitsForACollectorAndNewConsentIsAnotherClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		memory := newMemory()
		a := start(t, w.options(memory.spool(), report.Counts))
		a.Observe(failure("shop.example"))
		time.Sleep(4 * time.Second)
		synctest.Wait()
		w.setHandler("c1", refuse)
		a.SetConsent(report.Off)
		time.Sleep(time.Minute)
		synctest.Wait()
		if remain, ok := errors.AsType[*agent.RemainError](a.Shutdown(t.Context())); !ok || remain.Segments != 1 {
			t.Errorf("shutdown says %v, want that the notice remains", remain)
		}
		w.setHandler("c1", nil)
		again := start(t, w.options(memory.spool(), report.Counts))
		again.Observe(failure("again.example"))
		time.Sleep(time.Hour)
		synctest.Wait()
		notices, clients := w.notices(), w.clients()
		if len(notices) != 1 || len(notices[0]) != 1 || len(clients) != 2 {
			t.Errorf("notices %x, clients %x; want a notice of the first of two", notices, clients)
		}
		if all := w.seen(); len(all) < 2 || len(w.openSegment(all[len(all)-2].id, all[len(all)-2].segment).notices) != 1 {
			t.Error("the notice did not come before the new data")
		}
	})
}

func TestKillSwitchDoesNotKeepBackANotice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.policy.RefreshSeconds = 60
		w.setPolicy(w.signed(w.signer, nil))
		a := start(t, w.options(newMemory().spool(), report.Counts))
		a.Observe(failure("shop.example"))
		time.Sleep(4 * time.Second)
		synctest.Wait()
		off := w.policy
		off.Version, off.Disabled = 2, true
		w.policy = off
		w.setPolicy(w.signed(w.signer, nil))
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if got := a.Stats().Consent; got != report.Off {
			t.Fatalf("consent %v under the kill switch", got)
		}
		a.SetConsent(report.Off)
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := w.notices(); len(got) != 1 {
			t.Errorf("%d notices, want 1", len(got))
		}
	})
}

// The receipt comes while the user revokes: it writes nothing, and the notice names what
// it was for.
func TestReceiptThatComesWhileRevokingWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		memory := newMemory()
		var a *agent.Agent
		w.setHandler("c1", func(ctx context.Context, u upload) agent.Response {
			w.setHandler("c1", nil)
			a.SetConsent(report.Off)
			return w.store(ctx, u)
		})
		a = start(t, w.options(memory.spool(), report.Counts))
		a.Observe(failure("shop.example"))
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := w.notices(); len(got) != 1 || !slices.Equal(got[0], w.clients()) {
			t.Errorf("notices %x, want one of %x", got, w.clients())
		}
		if left := memory.blobs(); len(left) != 0 {
			t.Errorf("%d blobs stay", len(left))
		}
	})
}

// The disk deletes, but does not take the notice before or after that.
func TestNoticeIsKeptInMemoryWhileTheDiskTakesNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		memory := newMemory()
		var full atomic.Bool
		a := start(t, w.options(stopping{memory.spool(), func(step string) bool { return step == "state" && full.Load() }}, report.Counts))
		a.Observe(failure("shop.example"))
		time.Sleep(4 * time.Second)
		synctest.Wait()
		full.Store(true)
		a.SetConsent(report.Off)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		full.Store(false)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if got := w.notices(); len(got) != 1 || !slices.Equal(got[0], w.clients()) {
			t.Errorf("notices %x, want one of %x", got, w.clients())
		}
	})
}

// The user withdraws consent and gives it anew while an upload is under way.
func TestReceiptOfAnEarlierConsentWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		answer := make(chan struct{})
		w.setHandler("c1", func(ctx context.Context, u upload) agent.Response {
			<-answer
			return w.store(ctx, u)
		})
		a := start(t, w.options(newMemory().spool(), report.Counts))
		a.Observe(failure("shop.example"))
		time.Sleep(4 * time.Second)
		a.SetConsent(report.Off)
		a.SetConsent(report.Counts)
		close(answer)
		time.Sleep(time.Hour)
		synctest.Wait()
		if sent, err := a.Sent(); len(sent) != 0 || err != nil {
			t.Errorf("the log has %v, %v; want nothing of the consent before", sent, err)
		}
		if len(w.notices()) != 1 {
			t.Errorf("notices %x, want one", w.notices())
		}
	})
}
