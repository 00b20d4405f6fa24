package agent_test

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// heard collects an agent's events.
type heard struct {
	mu  sync.Mutex
	all []agent.Event
}

func (h *heard) hear(e agent.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, e)
}

// with reports whether an event of a kind told err.
func (h *heard) with(kind agent.EventKind, err error) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.all {
		if e.Kind == kind && errors.Is(e.Err, err) {
			return true
		}
	}
	return false
}

var errDiskFull = &fs.PathError{Op: "write", Path: "/cache/x", Err: syscall.ENOSPC}

// TestDiskThatTakesNothing: what cannot be stored is delivered all the same, and somebody hears of
// the disk.
func TestDiskThatTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		memory := newMemory()
		memory.setFail(errDiskFull)
		o := w.options(memory.spool(), report.Diagnostics)
		var events heard
		o.OnEvent = events.hear
		a := start(t, o)
		for range 3 {
			a.Observe(failure("shop.example"))
			time.Sleep(10 * time.Second)
		}
		panicking(a, func() { panic("x") })
		time.Sleep(10 * time.Second)
		if w.totals()[report.TCPRefused] != 3 || len(w.appErrors()) != 1 {
			t.Errorf("received %v and %d errors, want 3 and 1", w.totals(), len(w.appErrors()))
		}
		if !events.with(agent.EventNotStored, syscall.ENOSPC) {
			t.Errorf("events %+v, none tells ENOSPC", events.all)
		}
		if sent, err := a.Sent(); err != nil || len(sent) == 0 || !sent[0].Known {
			t.Errorf("log of what was sent: %+v, %v", sent, err)
		}
		if s := a.Stats(); s.Pending != 0 || s.Dropped[report.DropWriteFailed] != 0 {
			t.Errorf("%+v, want nothing pending or dropped", s)
		}
		if err := a.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestShutdownSaysWhatTheDiskLost: neither disk nor network takes it, so it is lost, and said.
func TestShutdownSaysWhatTheDiskLost(t *testing.T) {
	for _, seals := range []int{1, 200} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, "c1")
			w.setHandler("c1", refuse)
			memory := newMemory()
			memory.setFail(errDiskFull)
			o := w.options(memory.spool(), report.Counts)
			var events heard
			o.OnEvent = events.hear
			a := start(t, o)
			for i := range seals {
				a.Observe(failure(fmt.Sprintf("h%d.example", i)))
				_ = a.Flush(t.Context()) // ends the segment
				time.Sleep(time.Hour)
			}
			remain, ok := errors.AsType[*agent.RemainError](a.Shutdown(t.Context()))
			if !ok || remain.Segments != 0 || remain.Bytes != 0 || remain.Unstored != seals || !errors.Is(remain, syscall.ENOSPC) || !errors.Is(remain, errRefused) {
				t.Errorf("shutdown: %+v", remain)
			}
			if dropped := a.Stats().Dropped[report.DropWriteFailed]; (dropped > 0) != (seals > 100) {
				t.Errorf("%d dropped for want of memory", dropped)
			}
			if p, bytes := a.Stats().Pending, a.Stats().PendingBytes; p > 64 || bytes > 1<<20 {
				t.Errorf("%d segments of %d bytes in memory", p, bytes)
			}
		})
	}
}

// TestDiskThatComesBack: what memory kept moves there, once.
func TestDiskThatComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.setHandler("c1", refuse)
		memory := newMemory()
		memory.setFail(errDiskFull)
		a := start(t, w.options(memory.spool(), report.Counts))
		for range 3 {
			a.Observe(failure("shop.example"))
			_ = a.Flush(t.Context())
			time.Sleep(time.Hour)
		}
		memory.setFail(nil)
		remain, ok := errors.AsType[*agent.RemainError](a.Shutdown(t.Context()))
		if !ok || remain.Segments != 3 || remain.Unstored != 0 || segments(memory) != 3 {
			t.Errorf("shutdown: %v, %d segments on disk, want 3", remain, segments(memory))
		}
		w.setHandler("c1", nil)
		start(t, w.options(memory.spool(), report.Counts))
		time.Sleep(time.Minute)
		if got := w.totals()[report.TCPRefused]; got != 3 {
			t.Errorf("received %v, want 3", w.totals())
		}
	})
}

// TestWithdrawalReachesMemory: what the disk did not take is deleted like the rest, and what was
// sent is taken back.
func TestWithdrawalReachesMemory(t *testing.T) {
	for _, disk := range []error{errDiskFull, nil} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, "c1")
			memory := newMemory()
			memory.setFail(errDiskFull)
			a := start(t, w.options(memory.spool(), report.Counts))
			a.Observe(failure("sent.example"))
			time.Sleep(10 * time.Second)
			w.setHandler("c1", refuse)
			a.Observe(failure("kept.example"))
			time.Sleep(10 * time.Second)
			memory.setFail(disk)
			a.SetConsent(report.Off)
			if p := a.Stats().Pending; p != 0 {
				t.Errorf("%d segments pending", p)
			}
			if sent, err := a.Sent(); len(sent) > 0 || err != nil {
				t.Errorf("log of what was sent: %+v, %v", sent, err)
			}
			memory.setFail(nil)
			w.setHandler("c1", nil)
			time.Sleep(time.Hour)
			notices := 0
			for _, b := range w.batches() {
				notices += len(b.notices)
			}
			if notices != 1 || w.totals()[report.TCPRefused] != 1 {
				t.Errorf("received %v and %d notices, want what was sent before, and one notice", w.totals(), notices)
			}
		})
	}
}
