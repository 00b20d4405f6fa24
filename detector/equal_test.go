package detector_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/detector/replay"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// recording is a store of events that notes the rows that it stores, in their order.
type recording struct {
	detector.Events
	mu   sync.Mutex
	rows []judgement.Row
}

func (r *recording) Append(ctx context.Context, page *detector.FeedPage) ([]bool, error) {
	isNew, err := r.Events.Append(ctx, page)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range page.Batches {
		if isNew[i] {
			r.rows = append(r.rows, page.Batches[i].Rows...)
		}
	}
	return isNew, nil
}

// lines are the rows as replay reads them, with a tick every second up to end.
func (r *recording) lines(end time.Time) *bytes.Reader {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b []byte
	tick := r.rows[0].Arrived / 1000
	for i := range r.rows {
		for ; tick*1000 < r.rows[i].Arrived; tick++ {
			b = replay.AppendTick(b, tick*1000)
		}
		b = replay.AppendRow(b, &r.rows[i])
	}
	for ; tick*1000 <= end.UnixMilli(); tick++ {
		b = replay.AppendTick(b, tick*1000)
	}
	return bytes.NewReader(b)
}

// seed is that of the judge, which the store has.
func (b *bench) seed() uint64 {
	b.Helper()
	text, err := b.state.Judgement(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	first, _, _ := bytes.Cut(text, []byte{'\n'})
	var head struct{ Seed uint64 }
	if err := json.Unmarshal(first, &head); err != nil || head.Seed == 0 {
		b.Fatalf("%q: %v", first, err)
	}
	return head.Seed
}

// replayed are the events that replay gives for what was recorded.
func (b *bench) replayed(r *recording) (events []judgement.Event) {
	b.Helper()
	var out, summary bytes.Buffer
	o := judgement.Options{Bin: 10 * time.Second, Grace: 10 * time.Second, Seed: b.seed()}
	if err := replay.Cells(replay.Input{Reader: r.lines(time.Now()), Name: "-"}, o, &out, &summary); err != nil {
		b.Fatal(err)
	}
	for line := range bytes.Lines(out.Bytes()) {
		var e judgement.Event
		if err := json.Unmarshal(line, &e); err != nil {
			b.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

// told are the events that wait in the outbox.
func (b *bench) told() []detector.Outgoing {
	b.Helper()
	all, err := b.state.Outbox(b.Context(), 0, 1000)
	if err != nil {
		b.Fatal(err)
	}
	return all
}

// slowly lets 12 clients in each of three networks upload a window of ten seconds, at the same
// moment. In the network that is hit, all requests fail.
func (b *bench) slowly(windows int, hit uint32) {
	for range windows {
		time.Sleep(10 * time.Second)
		var all []report.Envelope
		for n := range uint32(3) {
			for c := range uint64(12) {
				k := report.Counter{Target: shop, Outcome: report.OK, Protocol: "h2", Server: "192.0.2.1:443", Status: 200, Count: 2}
				if 64501+n == hit {
					k.Outcome, k.Status = report.TCPReset, 0
				}
				b.number++
				id := detector.BatchNumber(b.number)
				all = append(all, report.Envelope{Batch: id, Received: time.Now().UnixMilli(), Collector: "c1", ASN: 64501 + n, Country: "XA",
					Bucket: report.Bucket(1 + 100*uint64(n) + c), Delivery: report.Delivery{Age: 2000}, Segment: detector.Seal(b, id, detector.ShopHeader(uint64(n)*1000+c+1), oneWindow(2000, k))})
			}
		}
		b.inbox.put(all...)
	}
}

// differs says how an event of the outbox and one of replay differ; "": not at all.
func differs(e *detector.Outgoing, r *judgement.Event) string {
	i := &e.Incident
	var texts, replayed []string
	for _, s := range i.Evidence {
		texts = append(texts, s.Text)
	}
	for _, s := range r.Evidence {
		replayed = append(replayed, s.Text)
	}
	until := time.Time{}
	if r.Until != 0 {
		until = time.UnixMilli(r.Until)
	}
	got := fmt.Sprintln(e.Kind.String(), i.ID, i.Since.UnixMilli(), i.Until.Equal(until), i.App, i.Target, i.Verdict, i.Page, i.Late, i.Severity, i.Share, i.Failed, i.Requests, i.Expected,
		i.Clients, i.Buckets, i.Networks, i.Scope.ASNs, i.Scope.Servers, i.Scope.Countries, i.Outcome, len(i.Also), texts)
	want := fmt.Sprintln(string(r.Kind), int64(r.ID), r.Onset, true, r.App, r.Target, r.Verdict, r.Page, r.Late, r.Severity, r.Share, r.Failed, r.Requests, r.Expected,
		r.Clients, r.Buckets, r.Networks, r.Scope[0].ASN, r.Scope[0].Server, r.Scope[0].Country, r.Outcomes[0], len(r.Outcomes)-1, replayed)
	if got == want {
		return ""
	}
	return "told " + got + "\nreplay says " + want
}

// The running detector and replay give the same events for the same reports, and a restart makes
// no difference.
func TestReplayGivesTheSameEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recording{}
		b := &bench{T: t, path: t.TempDir() + "/store.db", inbox: newInbox(), bin: 10 * time.Second, grace: 10 * time.Second}
		b.wrap = func(e detector.Events) detector.Events { r.Events = e; return r }
		b.start()
		defer func() { b.stop() }()
		b.slowly(36, 0)
		b.stop()
		b.start()
		b.slowly(12, 64502)
		b.slowly(20, 0)
		b.slowly(10, 64503)
		b.slowly(1, 0)
		told, replayed := b.told(), b.replayed(r)
		if len(told) < 3 || len(told) != len(replayed) {
			t.Fatalf("%d events are told and %d replayed: %+v\n%+v", len(told), len(replayed), told, replayed)
		}
		for i := range told {
			if d := differs(&told[i], &replayed[i]); d != "" {
				t.Errorf("event %d: %s", i, d)
			}
		}
	})
}

// mortal is the detector's power supply: after so many operations of its stores, all that follow
// fail, so that what is stored then is what is stored for ever.
type mortal struct {
	mu   sync.Mutex
	left int // operations; below 0: it lives
}

var errDead = errors.New("the machine lost its power")

// do does an operation.
func (m *mortal) do(op func() error) error {
	m.mu.Lock()
	dead := m.left == 0
	if m.left > 0 {
		m.left--
	}
	m.mu.Unlock()
	if dead {
		return errDead
	}
	return op()
}

type mortalEvents struct {
	detector.Events
	m *mortal
}

func (e mortalEvents) Append(ctx context.Context, page *detector.FeedPage) (isNew []bool, err error) {
	err = e.m.do(func() error { isNew, err = e.Events.Append(ctx, page); return err })
	return isNew, err
}

func (e mortalEvents) Judged(ctx context.Context, upTo uint64) error {
	return e.m.do(func() error { return e.Events.Judged(ctx, upTo) })
}

type mortalState struct {
	detector.State
	m *mortal
}

func (s mortalState) SaveCursor(ctx context.Context, page *detector.FeedPage) error {
	return s.m.do(func() error { return s.State.SaveCursor(ctx, page) })
}

func (s mortalState) SaveStep(ctx context.Context, step detector.Step) error {
	return s.m.do(func() error { return s.State.SaveStep(ctx, step) })
}

// Whenever the power fails, between any two operations of the stores, no row is lost to the
// judgement and none is judged twice: a fault is told once, in the numbers that it has without
// any failure.
func TestPowerFailuresLoseAndDoubleNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, m := &recording{}, &mortal{left: -1}
		b := &bench{T: t, path: t.TempDir() + "/store.db", inbox: newInbox(), bin: 10 * time.Second, grace: 10 * time.Second}
		// all that waits is one page: with many of them, the power would last for the first only, and
		// for how many depends on who runs first; a detector that is minutes behind tells of the past
		b.inbox.most = 10_000
		b.wrap = func(e detector.Events) detector.Events { r.Events = e; return mortalEvents{r, m} }
		b.wrapState = func(s detector.State) detector.State { return mortalState{s, m} }
		b.start()
		defer func() { b.stop() }()
		b.slowly(40, 0)
		crash := func(after int) {
			m.mu.Lock()
			m.left = after
			m.mu.Unlock()
			b.slowly(1, 64502)
			b.stop()
			m.left = -1
			b.start()
		}
		for after := range 24 {
			crash(after)
		}
		b.slowly(20, 0)
		told, replayed := b.told(), b.replayed(r)
		last := replayed[len(replayed)-1]
		opened, cleared := 0, 0
		for _, e := range told {
			switch e.Kind {
			case model.Opened:
				opened++
			case model.Cleared:
				cleared++
			}
			if e.Incident.ID != 1 || !slices.Equal(e.Incident.Scope.ASNs, []uint32{64502}) {
				t.Errorf("%+v", e)
			}
		}
		if opened != 1 || cleared != 1 {
			t.Fatalf("opened %d times, cleared %d times: %+v", opened, cleared, told)
		}
		end := told[len(told)-1].Incident
		if end.Severity != last.Severity || end.Clients != last.Clients || !end.Until.Equal(time.UnixMilli(last.Until)) || end.Since.UnixMilli() != last.Onset {
			t.Errorf("told at the end %+v\nreplay says %+v", end, last)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if total := b.total(model.TotalsQuery{Since: time.Now().Add(-time.Hour)}); total.OK+total.Failed != float64(2*b.number) {
			t.Errorf("%v requests are stored, want %d", total.OK+total.Failed, 2*b.number)
		}
	})
}

// Without a snapshot, as after an upgrade, what is usual is learned from the sums in the store, and
// the incidents that are open there go on.
func TestColdStartCarriesIncidents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, path: t.TempDir() + "/store.db", inbox: newInbox(), bin: 10 * time.Second, grace: 10 * time.Second}
		b.start()
		defer func() { b.stop() }()
		b.slowly(40, 0)
		b.slowly(8, 64502)
		before := b.incidents()
		if len(before) != 1 || !before[0].Open() {
			t.Fatalf("%+v", before)
		}
		old := before[0] // one that the judge of before found, and another of a target that is gone
		gone := model.Incident{ID: 9, App: "shop", Target: "https://gone.test", Outcome: report.TCPReset, Since: time.Now().Add(-time.Hour)}
		b.forget(model.Event{Kind: model.Opened, Incident: gone})
		b.slowly(3, 64502)
		all := b.incidents()
		if len(all) != 2 || all[0].ID != old.ID || !all[0].Open() || all[1].ID != 9 || all[1].Open() {
			t.Fatalf("after a cold start: %+v", all)
		}
		b.slowly(20, 0)
		if all := b.incidents(); len(all) != 2 || all[0].Open() || all[1].Open() {
			t.Fatalf("after the fault: %+v", all)
		}
		b.forget()
		b.slowly(6, 64503) // what is usual is known again at once
		if all := b.incidents(); len(all) != 3 || !all[0].Open() || all[0].ID <= 9 || !slices.Equal(all[0].Scope.ASNs, []uint32{64503}) {
			t.Fatalf("a minute into the next fault: %+v", all)
		}
	})
}

// forget restarts the detector without what it had learned.
func (b *bench) forget(events ...model.Event) {
	b.Helper()
	b.stop()
	store, state, err := sqlitestore.Open(b.Context(), b.path)
	if err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(state.SaveStep(b.Context(), detector.Step{Bin: time.Now(), Judgement: []byte{}, Events: events}), store.Close(), state.Close()); err != nil {
		b.Fatal(err)
	}
	b.start()
}
