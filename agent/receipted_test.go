package agent_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// named is what the segments of w's uploads name, by the position of the upload.
func (w *world) named() (all [][]report.ReceiptedBatch) {
	w.t.Helper()
	for _, u := range w.seen() {
		var names []report.ReceiptedBatch
		for _, r := range w.openSegment(u.id, u.segment).receipts {
			names = append(names, r.Batches...)
		}
		all = append(all, names)
	}
	return all
}

// deliverOne has a observe a failure and waits until it is delivered.
func deliverOne(a *agent.Agent) {
	a.Observe(failure("shop.example"))
	time.Sleep(10 * time.Second)
}

// TestReceiptsAreNamed once, in the next segment, by what cannot be made again.
func TestReceiptsAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1", "c2")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		deliverOne(a)
		w.setHandler("c1", refuse)
		deliverOne(a) // goes to c2
		deliverOne(a) // likewise
		seen, named := w.seen(), w.named()
		if len(seen) != 5 { // c1 refused two
			t.Fatalf("%d uploads, want 5", len(seen))
		}
		for i, want := range []int{-1, 0, 0, 2, 2} { // what each names
			if want < 0 {
				if len(named[i]) != 0 {
					t.Errorf("the first segment names %v", named[i])
				}
				continue
			}
			u := seen[want]
			info, err := seal.ParseSegment(u.segment)
			if err != nil {
				t.Fatal(err)
			}
			if len(named[i]) != 1 || named[i][0] != (report.ReceiptedBatch{Collector: u.collector, Name: seal.Name(u.segment), Frames: uint16(info.Frames)}) {
				t.Errorf("upload %d names %v, want what %s receipted", i, named[i], u.collector)
			}
		}
	})
}

// TestReceiptsOfAnotherDayAreNotNamed: they would link two days. Neither is what was sealed on the
// day before.
func TestReceiptsOfAnotherDayAreNotNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		midnight := time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
		time.Sleep(time.Until(midnight.Add(-time.Minute)))
		deliverOne(a)
		w.setHandler("c1", refuse)
		deliverOne(a) // names the first, and stays
		time.Sleep(time.Until(midnight.Add(time.Minute)))
		w.setHandler("c1", nil)
		time.Sleep(time.Hour) // yesterday's is delivered
		if got := a.Stats(); got.Delivered != 2 {
			t.Fatalf("%d delivered, want both", got.Delivered)
		}
		before := len(w.seen())
		deliverOne(a)
		deliverOne(a)
		named := w.named()[before:]
		if len(named) != 2 || len(named[0]) != 0 || len(named[1]) != 1 {
			t.Errorf("after midnight the segments name %v, want nothing and then one of the same day", named)
		}
	})
}

// TestReceiptsAreForgotten when consent is withdrawn.
func TestReceiptsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		deliverOne(a)
		a.SetConsent(report.Off)
		time.Sleep(time.Minute)
		a.SetConsent(report.Counts)
		deliverOne(a)
		for i, names := range w.named() {
			if len(names) != 0 {
				t.Errorf("upload %d names %v", i, names)
			}
		}
	})
}

// TestReceiptsAreBounded: of too many the latest are named.
func TestReceiptsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		memory := newMemory()
		a := start(t, w.options(memory.spool(), report.Counts))
		// another agent delivers for a while, and knows what it delivered
		other := w.options(memory.spool(), report.Counts)
		w.setHandler("c1", refuse)
		for range report.MaxReceipts + 10 {
			one := start(t, other)
			one.Observe(failure("shop.example"))
			time.Sleep(5 * time.Second)
			_ = one.Shutdown(t.Context()) // leaves its segment
		}
		w.setHandler("c1", nil)
		time.Sleep(6 * time.Hour)
		if got := a.Stats(); got.Delivered != report.MaxReceipts+10 {
			t.Fatalf("%d delivered, want %d", got.Delivered, report.MaxReceipts+10)
		}
		deliverOne(a)
		named := w.named()
		if got := len(named[len(named)-1]); got != report.MaxReceipts {
			t.Errorf("%d names, want %d", got, report.MaxReceipts)
		}
	})
}
