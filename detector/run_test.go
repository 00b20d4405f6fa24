package detector_test

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/internal/syncbuffer"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

const shop = "https://shop.test"

// inbox is a collector's inbox in memory, with faults to order.
type inbox struct {
	mu      sync.Mutex
	all     []report.Envelope
	acked   uint64
	changed chan struct{}
	ackErr  error
	garbage int // of the test's goroutine
	most    int // batches of a page; 0: 7. It is set before anybody reads
}

func newInbox() *inbox { return &inbox{changed: make(chan struct{})} }

// put adds envelopes, which are there at the same moment.
func (i *inbox) put(all ...report.Envelope) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, e := range all {
		e.Seq = uint64(len(i.all)) + 1
		i.all = append(i.all, e)
	}
	close(i.changed)
	i.changed = make(chan struct{})
}

// fill puts n batches that are the same few bytes.
func (i *inbox) fill(n int, segment string) {
	for range n {
		i.garbage++
		i.put(report.Envelope{Batch: report.BatchID{0xff, byte(i.garbage >> 8), byte(i.garbage)}, Received: time.Now().UnixMilli(), Collector: "c1",
			ASN: 64666, Country: "XA", Segment: []byte(segment)})
	}
}

func (i *inbox) Read(_ context.Context, after uint64, limit int) ([]report.Envelope, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if after > uint64(len(i.all)) {
		return nil, detector.ErrCursor
	}
	rest := i.all[after:]
	return slices.Clone(rest[:min(len(rest), limit, cmp.Or(i.most, 7))]), nil
}

func (i *inbox) Ack(_ context.Context, upTo uint64) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ackErr == nil {
		i.acked = max(i.acked, upTo)
	}
	return i.ackErr
}

// fail makes Ack return err.
func (i *inbox) fail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ackErr = err
}

func (i *inbox) state() (all []report.Envelope, acked uint64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.all, i.acked
}

// wipe empties the inbox and returns what was in it.
func (i *inbox) wipe() []report.Envelope {
	i.mu.Lock()
	defer i.mu.Unlock()
	all := i.all
	i.all = nil
	return all
}

// sameMachine is an inbox whose collector has the clock of the detector's machine.
type sameMachine struct{ *inbox }

func (sameMachine) SameClock() bool { return true }

func (i *inbox) Changed() <-chan struct{} {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.changed
}

// bench is a detector at work on a store, in a bubble of virtual time.
type bench struct {
	*testing.T
	path      string
	inbox     *inbox
	events    detector.Events
	state     detector.State
	metrics   *prometheus.Registry
	keys      *seal.Keyring                         // nil: the one of what put uploads
	wrap      func(detector.Events) detector.Events // nil: the store as it is
	logged    syncbuffer.Buffer
	det       *detector.Detector
	feed      detector.Feed // nil: inbox
	second    detector.Feed // nil: none
	off       atomic.Int64  // ns that the clock of the detector's machine is ahead
	slow      bool          // bins of a minute, a grace of 30 s
	lost      atomic.Int64  // ns that its monotonic clock stood still
	local     bool          // the collector is on the same machine
	stop      func()
	number    uint64
	trace     func(detector.Trace)                // nil: nothing is traced
	bin       time.Duration                       // 0 means 2 s
	grace     time.Duration                       // 0 means 3 s
	watched   []string                            // vantages that must deliver
	wrapState func(detector.State) detector.State // nil: the store as it is
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, path: filepath.Join(t.TempDir(), "store.db"), inbox: newInbox()}
	b.start()
	return b
}

func (b *bench) start() {
	b.Helper()
	events, state, err := sqlitestore.Open(b.Context(), b.path)
	if err != nil {
		b.Fatal(err)
	}
	b.events, b.state, b.metrics = events, state, prometheus.NewRegistry()
	if b.wrap != nil {
		b.events = b.wrap(events)
	}
	if b.wrapState != nil {
		b.state = b.wrapState(state)
	}
	feed := b.feed
	if feed == nil {
		feed = b.inbox
	}
	feeds := map[string]detector.Feed{"c1": feed}
	if b.second != nil {
		feeds["c2"] = b.second
	}
	keys := b.keys
	if keys == nil {
		keys = seal.NewKeyring(detector.TestKey)
	}
	lapse := 30 // a minute of the judge's passes in a bin
	if b.bin > 0 {
		lapse = 1
	}
	o := detector.Options{Logger: slog.New(slog.NewTextHandler(&b.logged, nil)), Feeds: feeds, Events: b.events, State: b.state, Metrics: b.metrics,
		Keys: keys, Bin: cmp.Or(b.bin, 2*time.Second), Grace: cmp.Or(b.grace, 3*time.Second), Lapse: lapse, Vantages: []string{"v1", "v2"}, Watched: b.watched, Trace: b.trace}
	if b.slow {
		o.Bin, o.Grace, o.Lapse = time.Minute, 30*time.Second, 1
	}
	born := time.Now()
	detector.SetClock(&o, func() (time.Time, time.Duration) {
		now := time.Now()
		return now.Round(0).Add(time.Duration(b.off.Load())), now.Sub(born) - time.Duration(b.lost.Load())
	})
	d, err := detector.New(o)
	if err != nil {
		b.Fatal(err)
	}
	b.det = d
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	b.stop = func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
		if err := errors.Join(events.Close(), state.Close()); err != nil {
			b.Error(err)
		}
	}
}

// put uploads records, those of one client behind its header.
func (b *bench) put(asn uint32, d report.Delivery, records ...any) {
	b.number++
	id := detector.BatchNumber(b.number)
	received := time.Now()
	if b.local {
		received = received.Add(time.Duration(b.off.Load()))
	}
	b.inbox.put(report.Envelope{Batch: id, Received: received.UnixMilli(), Collector: "c1", ASN: asn, Country: "XA", Delivery: d,
		Segment: detector.Seal(b, id, records...)})
}

// traffic lets 26 clients in each of two networks upload a window of two seconds; in the network
// that is hit every second request fails.
func (b *bench) traffic(windows int, hit uint32) {
	for range windows {
		time.Sleep(2 * time.Second)
		for n := range uint32(2) {
			for c := range uint64(26) {
				counters := []report.Counter{{Target: shop, Outcome: report.OK, Protocol: "h2", Server: "192.0.2.1:443", Status: 200, Count: 1}}
				if 64501+n == hit {
					counters = append(counters, report.Counter{Target: shop, Outcome: report.TCPReset, Server: "192.0.2.1:443", Count: 1})
				} else {
					counters[0].Count = 2
				}
				b.put(64501+n, report.Delivery{Age: 2000}, detector.ShopHeader(uint64(n)*1000+c+1), oneWindow(2000, counters...))
			}
		}
	}
}

// oneWindow is a window that ended so many ms after the segment's birth.
func oneWindow(end int64, counters ...report.Counter) *report.Window {
	return &report.Window{End: end, Length: 2000, SampledPPM: report.FullPPM, Counters: counters}
}

// okWindow is a window of one request that succeeded.
func okWindow() *report.Window {
	return oneWindow(2000, report.Counter{Target: shop, Outcome: report.OK, Count: 1})
}

func (b *bench) incidents() []model.Incident {
	b.Helper()
	all, err := b.state.Incidents(b.Context(), time.Time{})
	if err != nil {
		b.Fatal(err)
	}
	return all
}

// outbox checks that the events of an incident wait for those whom they concern, in order.
func (b *bench) outbox(id int64) {
	b.Helper()
	all, err := b.state.Outbox(b.Context(), 0, 100)
	if err != nil || len(all) < 2 || all[0].Kind != model.Opened || all[len(all)-1].Kind != model.Cleared {
		b.Fatalf("%d events, %v; the first is to open the incident and the last to clear it", len(all), err)
	}
	for _, e := range all {
		if e.Incident.ID != id || e.Bin.Before(e.Incident.Since) {
			b.Errorf("%+v", e)
		}
	}
}

func (b *bench) total(q model.TotalsQuery) model.Total {
	b.Helper()
	all, err := b.events.Totals(b.Context(), q)
	if err != nil || len(all) != 1 {
		b.Fatalf("%+v %v", all, err)
	}
	return all[0]
}

func (b *bench) metric(name string, want float64, labels ...string) {
	b.Helper()
	families, err := b.metrics.Gather()
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var values []string
			for _, l := range m.GetLabel() {
				values = append(values, l.GetValue())
			}
			if f.GetName() == "heliograph_detector_"+name && slices.Equal(values, labels) {
				if got := m.GetCounter().GetValue() + m.GetGauge().GetValue(); got != want {
					b.Errorf("%s%v is %v, want %v", name, labels, got, want)
				}
				return
			}
		}
	}
	if want != 0 {
		b.Errorf("no metric %s%v", name, labels)
	}
}

func TestIncidentOpensAndClearsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		b.traffic(10, 0)
		broke := time.Now()
		b.traffic(10, 64502)
		all := b.incidents()
		if len(all) != 1 || !all[0].Open() || all[0].Outcome != report.TCPReset || !slices.Equal(all[0].Scope.ASNs, []uint32{64502}) {
			t.Fatalf("20 s after the fault began: %+v", all)
		}
		if d := all[0].Since.Sub(broke).Abs(); d > 4*time.Second {
			t.Errorf("since is %v off", d)
		}
		if want := "tcp.reset for https://shop.test from AS64502: "; !strings.HasPrefix(all[0].Title, want) || !strings.HasSuffix(all[0].Title, "26 clients") {
			t.Errorf("title %q", all[0].Title)
		}
		b.metric("open_incidents", 1)
		b.traffic(10, 0)
		if all := b.incidents(); len(all) != 1 || all[0].Open() {
			t.Fatalf("20 s after the fault ended: %+v", all)
		}
		b.metric("open_incidents", 0)
		b.metric("incident_events_total", 1, "cleared")
		b.outbox(1)
	})
}

func TestRestartKeepsIncidentsAndRaisesNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		b.traffic(8, 0)
		b.traffic(6, 64502)
		restart := func(gap time.Duration) {
			b.stop()
			time.Sleep(gap)
			b.start()
		}
		restart(0)
		b.traffic(4, 64502)
		if all := b.incidents(); len(all) != 1 || !all[0].Open() || all[0].ID != 1 {
			t.Fatalf("during the fault: %+v", all)
		}
		restart(0)
		b.traffic(8, 0)
		if all := b.incidents(); len(all) != 1 || all[0].Open() {
			t.Fatalf("after it: %+v", all)
		}
		restart(time.Minute)
		b.traffic(4, 0)
		if all := b.incidents(); len(all) != 1 {
			t.Fatalf("in calm: %+v", all)
		}
		restart(0)
		b.traffic(7, 64501)
		if all := b.incidents(); len(all) != 2 || all[0].ID != 2 || !slices.Equal(all[0].Scope.ASNs, []uint32{64501}) {
			t.Fatalf("the second fault: %+v", all)
		}
	})
}

// Reports of the past amend it, and make an incident of the past that alerts nobody: nothing else,
// also after a restart.
func TestLateReportsTellOfThePastOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		b.traffic(5, 0)
		since := time.Now()
		b.traffic(8, 0)
		for c := range uint64(60) { // as when a network's users come back
			b.put(64502, report.Delivery{Age: 15_000, Path: []report.Attempt{{Collector: "c1", Outcome: report.DNSFailed}}},
				detector.ShopHeader(5000+c), oneWindow(2000, report.Counter{Target: shop, Outcome: report.DNSFailed, Count: 3}))
		}
		b.traffic(4, 0)
		b.latePast(since, 1)
		if got := b.total(model.TotalsQuery{Since: since, Type: "dns"}); got.Failed != 180 || got.Clients != 60 {
			t.Errorf("%+v, want 180 failures of 60 clients in the past", got)
		}
		b.stop()
		b.start() // now the past is read again
		b.traffic(20, 0)
		b.latePast(since, 1)
		for _, i := range b.incidents() {
			if i.Open() || i.App == "shop" && (i.Failed != 180 || i.Clients != 60) {
				t.Errorf("when no more is told of it: %+v", i)
			}
		}
		b.metric("past_rows", 0)
	})
}

// latePast checks that there are n incidents of the shop, all late and of a time after since, and
// that no incident alerts anybody.
func (b *bench) latePast(since time.Time, n int) {
	b.Helper()
	ofShop := 0
	for _, i := range b.incidents() {
		if !i.Late || i.Pages() || i.Since.Before(since.Add(-4*time.Second)) || time.Since(i.Since) < 10*time.Second {
			b.Errorf("%+v", i)
		}
		if i.App == "shop" {
			ofShop++
		}
	}
	if ofShop != n {
		b.Errorf("%d incidents of the past, want %d: %+v", ofShop, n, b.incidents())
	}
}

func TestNothingStopsTheFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		since := time.Now().Add(-time.Minute)
		b.put(64501, report.Delivery{}, detector.ShopHeader(1), okWindow(), detector.FutureRecord)
		for _, spoil := range []func(e *report.Envelope){
			func(e *report.Envelope) { e.Segment = nil },
			func(e *report.Envelope) { e.Segment[len(e.Segment)-9] ^= 1 },
			func(e *report.Envelope) { e.Batch[0]++ },
			func(e *report.Envelope) { e.Segment[20]++ },
			func(e *report.Envelope) {}, // a duplicate
		} {
			all, _ := b.inbox.state()
			e := all[0]
			e.Segment = slices.Clone(e.Segment)
			spoil(&e)
			b.inbox.put(e)
		}
		b.inbox.fail(errors.New("no"))
		b.put(64501, report.Delivery{}, detector.ShopHeader(2), okWindow())
		time.Sleep(time.Second)
		b.inbox.fail(nil)
		b.put(64501, report.Delivery{}, detector.ShopHeader(3), okWindow())
		time.Sleep(time.Second)
		if got := b.total(model.TotalsQuery{Since: since}); got.OK != 3 || got.Clients != 3 {
			t.Errorf("%+v, want three requests of three clients", got)
		}
		synctest.Wait()
		if _, acked := b.inbox.state(); acked != 8 {
			t.Errorf("acknowledged %d of 8", acked)
		}
		for reason, want := range map[string]float64{"new": 3, "duplicate": 1, detector.ReasonSegment: 1, detector.ReasonOpen: 1, detector.ReasonID: 1, detector.ReasonUnknownKey: 1} {
			b.metric("batches_total", want, reason)
		}
		b.metric("unknown_records_total", 2) // it was read twice, stored once
	})
}

func TestReplacedInboxIsReadFromItsBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		since := time.Now().Add(-time.Minute)
		for c := range uint64(20) {
			b.put(64501, report.Delivery{}, detector.ShopHeader(c+1), okWindow())
		}
		time.Sleep(time.Second)
		old := b.inbox.wipe()
		b.put(64501, report.Delivery{}, detector.ShopHeader(77), okWindow())
		b.inbox.put(old[3]) // a copy of what was read
		time.Sleep(time.Minute)
		if got := b.total(model.TotalsQuery{Since: since}); got.OK != 21 {
			t.Errorf("%+v, want 21", got)
		}
		if c, err := b.state.Cursor(t.Context(), "c1"); c != 2 || err != nil {
			t.Errorf("cursor %d %v, want that of the new inbox", c, err)
		}
	})
}

// failing fails now and then, before and after something is done.
type failing struct{ calls int }

func (f *failing) try(do func() error) error {
	f.calls++
	if f.calls%3 == 1 {
		return errors.New("not yet")
	}
	if err := do(); err != nil {
		return err
	}
	if f.calls%3 == 2 {
		return errors.New("done, but the answer got lost")
	}
	return nil
}

type failingEvents struct {
	detector.Events
	failing
}

func (f *failingEvents) Append(ctx context.Context, page *detector.FeedPage) (isNew []bool, err error) {
	err = f.try(func() error {
		isNew, err = f.Events.Append(ctx, page)
		return err
	})
	return isNew, err
}

type failingState struct {
	detector.State
	failing
}

func (f *failingState) SaveCursor(ctx context.Context, page *detector.FeedPage) error {
	return f.try(func() error { return f.State.SaveCursor(ctx, page) })
}

func TestAStoreThatFailsLosesAndDoublesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.stop()
		events, state, err := sqlitestore.Open(t.Context(), b.path)
		if err != nil {
			t.Fatal(err)
		}
		defer events.Close()
		defer state.Close()
		d, err := detector.New(detector.Options{Feeds: map[string]detector.Feed{"c1": b.inbox}, Events: &failingEvents{Events: events}, State: &failingState{State: state}, Keys: seal.NewKeyring(detector.TestKey)})
		if err != nil {
			t.Fatal(err)
		}
		for c := range uint64(30) {
			b.put(64501, report.Delivery{}, detector.ShopHeader(c+1), okWindow())
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		if err := d.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if n, err := events.Batches(t.Context(), time.Time{}); n != 30 || err != nil {
			t.Errorf("%d batches of 30, %v", n, err)
		}
		all, err := events.Totals(t.Context(), model.TotalsQuery{})
		if err != nil || all[0].OK != 30 || all[0].Clients != 30 {
			t.Errorf("%+v %v", all, err)
		}
		if err := d.Run(ctx); err == nil {
			t.Error("a second Run must be an error")
		}
	})
}

func TestOptionsNameTheirFaults(t *testing.T) {
	_, err := detector.New(detector.Options{Bin: 7 * time.Second, Grace: -1, Lapse: -1, Thresholds: detector.Thresholds{Ratio: 0.5, Clients: -1}})
	for _, word := range []string{"Feeds", "Events", "Keys", "Bin", "Grace", "Ratio", "Lapse", "Clients"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v does not name %s", err, word)
		}
	}
}

func TestMetricsThatAreTakenAreAnError(t *testing.T) {
	o := detector.Options{Feeds: map[string]detector.Feed{"c1": newInbox()}, Events: &sqlitestore.Events{}, State: &sqlitestore.State{}, Keys: seal.NewKeyring(), Metrics: prometheus.NewRegistry()}
	if _, err := detector.New(o); err != nil {
		t.Fatal(err)
	}
	if _, err := detector.New(o); err == nil {
		t.Error("no error")
	}
}
