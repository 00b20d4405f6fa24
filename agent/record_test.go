package agent_test

import (
	"context"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

func TestFailureIsDeliveredSoonAfterItsWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		time.Sleep(time.Minute)
		began := time.Now()
		server := netip.MustParseAddrPort("192.0.2.1:443")
		a.Observe(agent.Observation{Scheme: "https", Host: "shop.example", Outcome: report.TCPReset, Server: server})
		a.Observe(agent.Observation{Scheme: "https", Host: "SHOP.example:443", Outcome: report.TCPReset, Server: server})
		a.Observe(success("shop.example"))
		time.Sleep(3 * time.Second)

		uploads := w.seen()
		if len(uploads) != 1 {
			t.Fatalf("%d uploads, want 1", len(uploads))
		}
		if took := uploads[0].at.Sub(began); took < 2*time.Second || took > 3*time.Second {
			t.Errorf("delivered after %v, want the window of 2 s and at most 1 s more", took)
		}
		b := w.batches()[0]
		want := report.Header{Source: report.SourceAgent, App: "shop", Version: "1.2", OS: "linux", Consent: report.Counts, Client: b.headers[0].Client}
		if len(b.headers) != 1 || b.headers[0].App != want.App || b.headers[0].Consent != want.Consent || b.headers[0].Client == [16]byte{} {
			t.Errorf("headers %+v, want one like %+v with a client", b.headers, want)
		}
		if len(b.windows) != 1 || len(b.samples) != 0 {
			t.Fatalf("%d windows and %d samples, want 1 and none", len(b.windows), len(b.samples))
		}
		win := b.windows[0]
		if win.SampledPPM != report.FullPPM || win.Length != 2000 || win.End != 0 {
			t.Errorf("window %+v, want all of 2000 ms that ended at the segment's birth", win)
		}
		counters := []report.Counter{
			{Target: "https://shop.example", Outcome: report.OK, Protocol: "h2", Status: 200, Count: 1},
			{Target: "https://shop.example", Outcome: report.TCPReset, Server: "192.0.2.1:443", Count: 2},
		}
		if len(win.Counters) != 2 || win.Counters[0] != counters[0] || win.Counters[1] != counters[1] {
			t.Errorf("counters %+v, want %+v", win.Counters, counters)
		}
		if got := uploads[0].delivery; len(got.Path) != 0 || got.Age > 1000 {
			t.Errorf("delivery %+v, want an age below 1 s and no path", got)
		}
	})
}

// TestWindowsAreUnbiased: whatever the sampling leaves out, the weights put back.
func TestWindowsAreUnbiased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const windows, perWindow, p = 800, 10, 0.25
		w := newWorld(t, "c1")
		w.policy.SuccessPPM = p * report.FullPPM
		o := w.options(newMemory().spool(), report.Counts)
		o.Rand = seeded(1)
		a := start(t, o)
		for i := range windows {
			for range perWindow {
				a.Observe(success("shop.example"))
			}
			if i%20 == 0 {
				a.Observe(failure("shop.example"))
			}
			time.Sleep(4 * time.Second)
		}
		got := w.totals()
		if got[report.TCPRefused] != windows/20 {
			t.Errorf("%v failures, want every one of %d", got[report.TCPRefused], windows/20)
		}
		const sampled = windows * 19 / 20
		want, sd := float64(windows*perWindow), perWindow*math.Sqrt(sampled*(1-p)/p)
		if math.Abs(got[report.OK]-want) > 3*sd {
			t.Errorf("estimate %v of %v successes, off by more than 3 standard deviations of %v", got[report.OK], want, sd)
		}
		s := a.Stats()
		if left := float64(s.SampledOut) / sampled; math.Abs(left-(1-p)) > 0.06 {
			t.Errorf("%v of the windows without failure left out, want about %v", left, 1-p)
		}
	})
}

func TestSamplesNeedDiagnosticsAndAreScrubbed(t *testing.T) {
	for _, level := range []report.Consent{report.Counts, report.Diagnostics} {
		t.Run(level.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "c1")
				w.policy.SamplesPerWindow = 3
				a := start(t, w.options(newMemory().spool(), level))
				time.Sleep(time.Second)
				o := failure("shop.example")
				o.URL, o.Method, o.Start, o.Elapsed = "https://bob:pw@shop.example/cart?token=hunter2#x", "GET", time.Now(), 1500*time.Millisecond
				o.TraceID = [16]byte{1}
				for range 100 {
					a.Observe(o)
				}
				a.Observe(success("shop.example"))
				time.Sleep(4 * time.Second)
				b := w.batches()[0]
				want := 0
				if level == report.Diagnostics {
					want = 3
				}
				if len(b.samples) != want {
					t.Fatalf("%d samples, want %d", len(b.samples), want)
				}
				for _, s := range b.samples {
					if s.URL != "https://shop.example/cart" || s.Method != "GET" || s.Phase != report.PhaseConnection ||
						s.Outcome != report.TCPRefused || s.ElapsedMS != 1500 || s.TraceID[0] != 1 || s.At != -500 {
						t.Errorf("sample %+v", s)
					}
				}
			})
		})
	}
}

// TestReservoir: late failures of a window are as likely to be sampled as early ones.
func TestReservoir(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const windows, failures, samples = 100, 40, 4
		w := newWorld(t, "c1")
		w.policy.SamplesPerWindow = samples
		o := w.options(newMemory().spool(), report.Diagnostics)
		o.Rand = seeded(2)
		a := start(t, o)
		for range windows {
			for i := range failures {
				o := failure("shop.example")
				o.Status = uint16(100 + i)
				a.Observe(o)
			}
			time.Sleep(4 * time.Second)
		}
		late, all := 0, 0
		for _, b := range w.batches() {
			for _, s := range b.samples {
				all++
				if s.Status >= 100+failures/2 {
					late++
				}
			}
		}
		if all != windows*samples || math.Abs(float64(late)/float64(all)-0.5) > 0.08 {
			t.Errorf("%d of %d samples are of the window's second half", late, all)
		}
	})
}

func TestOverflowIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		for i := range report.MaxCounters + 10 {
			a.Observe(failure("h" + strconv.Itoa(i) + ".example"))
		}
		a.Observe(failure("h0.example"))
		time.Sleep(4 * time.Second)
		if got := w.totals()[report.TCPRefused]; got != report.MaxCounters+1 {
			t.Errorf("%v requests arrived, want %d", got, report.MaxCounters+1)
		}
		if got := w.drops()[report.DropOverflow]; got != 10 {
			t.Errorf("headers tell of %d lost to overflow, want 10", got)
		}
		if got := a.Stats().Dropped[report.DropOverflow]; got != 10 {
			t.Errorf("stats tell of %d, want 10", got)
		}
	})
}

// TestLargeWindowIsDivided: a window that neither a record nor a segment can take arrives whole.
func TestLargeWindowIsDivided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		label := strings.Repeat("x", 60)
		for i := range report.MaxCounters {
			n := strconv.Itoa(i)
			a.Observe(failure("h" + n + "." + label + "." + label + "." + label + ".example"))
		}
		time.Sleep(4 * time.Second)
		batches, windows := w.batches(), 0
		for _, b := range batches {
			windows += len(b.windows)
			for _, win := range b.windows {
				if win.Length != 2000 {
					t.Errorf("part of the window has length %d", win.Length)
				}
			}
		}
		if len(batches) < 2 || windows < 8 {
			t.Errorf("%d segments with %d windows: the test is too small to show anything", len(batches), windows)
		}
		if got := w.totals()[report.TCPRefused]; got != report.MaxCounters {
			t.Errorf("%v requests arrived, want %d", got, report.MaxCounters)
		}
		if s := a.Stats(); len(s.Dropped) != 0 {
			t.Errorf("dropped %v", s.Dropped)
		}
	})
}

func TestOddObservations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Diagnostics))
		long := strings.Repeat("ä", 4000)
		odd := []agent.Observation{
			{},
			{Scheme: long, Host: long, Outcome: report.Outcome(long), Protocol: long, Status: 65535, Method: long, URL: long, Elapsed: -1, Flags: 255},
			{Scheme: "ht\xfftp", Host: "\x00\xff", Outcome: "Not.Valid", Protocol: "\xff", Method: "\xff\xfe", URL: "https://\xff/"},
			{Scheme: "https", Host: "[fe80::1%25eth0]:443", Outcome: report.TCPRefused, Server: netip.MustParseAddrPort("[fe80::1%eth0]:443")},
		}
		for _, o := range odd {
			a.Observe(o)
		}
		time.Sleep(4 * time.Second)
		var n float64
		for _, v := range w.totals() {
			n += v
		}
		if int(n) != len(odd) {
			t.Errorf("%v requests arrived, want %d", n, len(odd))
		}
		for _, b := range w.batches() {
			for _, win := range b.windows {
				for _, c := range win.Counters {
					if strings.Contains(c.Server+c.Target, "eth0") {
						t.Errorf("counter %+v names the client's interface", c)
					}
				}
			}
		}
	})
}

func TestRetryFlagCountsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		again := failure("shop.example")
		again.Flags = report.FlagRetry
		a.Observe(failure("shop.example"))
		a.Observe(again)
		a.Observe(again)
		time.Sleep(4 * time.Second)
		c := w.batches()[0].windows[0].Counters
		if len(c) != 2 || c[0].Count != 1 || c[1].Count != 2 || c[1].Flags != report.FlagRetry {
			t.Errorf("counters %+v", c)
		}
	})
}

func TestClientTokenIsSharedForADayAndNeverLinked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		memory := newMemory()
		a, b := start(t, w.options(memory.spool(), report.Counts)), start(t, w.options(memory.spool(), report.Counts))
		w.setHandler("c1", refuse) // so that segments stay open over midnight
		for range 26 {
			a.Observe(failure("shop.example"))
			b.Observe(failure("shop.example"))
			time.Sleep(time.Hour)
		}
		w.setHandler("c1", nil)
		_ = a.Flush(t.Context())
		_ = b.Flush(t.Context())
		time.Sleep(time.Hour)
		tokens := make(map[[16]byte]bool)
		for _, got := range w.batches() {
			for _, h := range got.headers {
				tokens[h.Client] = true
				if h.Client != got.headers[0].Client {
					t.Error("one segment has two tokens, and so links two days")
				}
			}
		}
		if len(tokens) != 2 || tokens[[16]byte{}] {
			t.Errorf("%d tokens of two agents on two days, want 2", len(tokens))
		}
		if got := w.totals()[report.TCPRefused]; got != 52 {
			t.Errorf("%v failures arrived, want 52", got)
		}
	})
}

// later makes the collectors put everything off for d, so that segments stay open.
func (w *world) later(d time.Duration) {
	for _, c := range w.policy.Collectors {
		w.setHandler(c.ID, func(_ context.Context, u upload) agent.Response {
			return w.says(u, receipt.Statement{Decision: receipt.SlowDown, Reason: receipt.ReasonOverload, DelayMS: uint64(d.Milliseconds())})
		})
	}
}

func TestSegmentEndsWithItsDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which begins at midnight, UTC
		w := newWorld(t, "c1")
		w.later(time.Hour)
		a := start(t, w.options(newMemory().spool(), report.Counts))
		time.Sleep(23*time.Hour + 30*time.Minute)
		for range 5 { // put off at 23:30, then open from 23:40
			a.Observe(failure("shop.example"))
			time.Sleep(10 * time.Minute)
		}
		w.setHandler("c1", nil)
		time.Sleep(2 * time.Hour)
		tokens := make(map[[16]byte]int)
		for _, b := range w.batches() {
			for _, h := range b.headers {
				if h.Client != b.headers[0].Client {
					t.Error("one segment has two tokens, and so links two days")
				}
				tokens[h.Client] += len(b.windows)
			}
		}
		if len(tokens) != 2 || len(w.batches()) < 3 {
			t.Errorf("windows by token %v in %d segments, want two tokens", tokens, len(w.batches()))
		}
	})
}

func TestSegmentEndsWithItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.policy.RefreshSeconds = 600
		w.later(time.Hour)
		a := start(t, w.options(newMemory().spool(), report.Counts))
		next, err := seal.GenerateOpenKey()
		if err != nil {
			t.Fatal(err)
		}
		for i := range 4 { // put off, then open, then the policy changes
			if i == 2 {
				w.setPolicy(w.signed(w.signer, version(2, func(p *policy.Policy) { p.SealKey = next.SealKey().Bytes() })))
			}
			a.Observe(failure("shop.example"))
			time.Sleep(14 * time.Minute)
		}
		w.setHandler("c1", nil)
		time.Sleep(2 * time.Hour)
		keys := make(map[seal.KeyID]int)
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, segment := range w.received {
			info, records, err := seal.NewKeyring(w.open, next).Open(segment)
			if err != nil {
				t.Fatal(err)
			}
			keys[info.Key] += len(records)
		}
		if len(keys) != 2 {
			t.Errorf("records by key %v, want some for each", keys)
		}
	})
}

func TestFailedWritesAreCountedAndTold(t *testing.T) {
	for _, test := range []struct {
		err    error
		reason string
	}{{agent.ErrSpoolFull, report.DropSpoolFull}} { // other errors: TestDiskThatTakesNothing
		t.Run(test.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "c1")
				memory := newMemory()
				a := start(t, w.options(memory.spool(), report.Counts))
				memory.setFail(test.err)
				a.Observe(failure("shop.example"))
				time.Sleep(4 * time.Second)
				if got := a.Stats().Dropped[test.reason]; got != 1 {
					t.Fatalf("%d records dropped for %q, want 1", got, test.reason)
				}
				memory.setFail(nil)
				// would most likely be sampled out, were there nothing to tell
				a.Observe(success("shop.example"))
				time.Sleep(4 * time.Second)
				if got := w.drops()[test.reason]; got != 1 {
					t.Errorf("headers tell of %d, want 1", got)
				}
				a.Observe(failure("shop.example"))
				time.Sleep(4 * time.Second)
				if got := w.drops()[test.reason]; got != 1 {
					t.Errorf("headers then tell of %d: told twice", got)
				}
			})
		})
	}
}

func TestVanishedSegmentIsWrittenAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.setHandler("c1", func(_ context.Context, u upload) agent.Response {
			return w.says(u, receipt.Statement{Decision: receipt.SlowDown, Reason: receipt.ReasonOverload, DelayMS: 600_000})
		})
		memory := newMemory()
		a := start(t, w.options(memory.spool(), report.Counts))
		// the first is offered to the collector; the second opens a segment that stays open, the
		// third goes there
		for i := range 3 {
			a.Observe(failure("h" + strconv.Itoa(i) + ".example"))
			time.Sleep(10 * time.Second)
			if i == 1 {
				memory.vanish()
			}
		}
		w.setHandler("c1", nil)
		time.Sleep(time.Hour)
		if got := w.totals()[report.TCPRefused]; got != 1 {
			t.Errorf("%v failures arrived, want the third, after the others vanished", got)
		}
		if d := a.Stats().Dropped; len(d) != 0 {
			t.Errorf("dropped %v", d)
		}
	})
}

func TestSegmentIsSealedToItsPolicysKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		a.Observe(failure("shop.example"))
		time.Sleep(4 * time.Second)
		for _, u := range w.seen() {
			info, err := seal.ParseSegment(u.segment)
			if err != nil || info.ID != u.id || info.Key != w.open.SealKey().ID() {
				t.Errorf("segment %+v, %v", info, err)
			}
			if strings.Contains(string(u.segment), "shop") {
				t.Error("segment can be read")
			}
		}
	})
}

func TestObserveDoesNotAllocateOnSuccess(t *testing.T) {
	w := newWorld(t, "c1")
	w.policy.WindowMS = 3_600_000
	a := start(t, w.options(newMemory().spool(), report.Diagnostics))
	o := success("shop.example")
	o.Server = netip.MustParseAddrPort("192.0.2.1:443")
	o.Start, o.URL = time.Now(), "https://shop.example/"
	a.Observe(o)
	if n := testing.AllocsPerRun(1000, func() { a.Observe(o) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkObserveSuccess(b *testing.B) {
	w := newWorld(&testing.T{}, "c1")
	w.policy.WindowMS = 3_600_000
	a, err := agent.New(w.options(newMemory().spool(), report.Counts))
	if err != nil {
		b.Fatal(err)
	}
	defer a.Shutdown(b.Context())
	o := success("shop.example")
	o.Server = netip.MustParseAddrPort("192.0.2.1:443")
	o.Start = time.Now()
	b.ReportAllocs()
	for b.Loop() {
		a.Observe(o)
	}
}
