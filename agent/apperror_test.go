package agent_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

// appErrors are the application errors that were received, in no order.
func (w *world) appErrors() (all []*report.ApplicationError) {
	w.t.Helper()
	for _, b := range w.batches() {
		all = append(all, b.errors...)
	}
	return all
}

// buy fails in a place of its own.
func buy(a *agent.Agent, ctx context.Context, user string) {
	a.CaptureError(ctx, fmt.Errorf("buying for %s: %w", user, &fs.PathError{Op: "open", Path: "/home/bob/cart", Err: fs.ErrNotExist}))
}

func TestErrorsAreGroupedAndScrubbed(t *testing.T) {
	for _, level := range []report.Consent{report.Counts, report.Diagnostics} {
		t.Run(level.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "c1")
				a := start(t, w.options(newMemory().spool(), level))
				ctx := agent.WithTraceID(t.Context(), [16]byte{7})
				for _, user := range []string{"bob@shop.example", "eve@shop.example", "4111 1111 1111 1111"} {
					buy(a, ctx, user)
				}
				a.CaptureError(t.Context(), errors.New("another"))
				a.CaptureError(t.Context(), nil)
				time.Sleep(4 * time.Second)
				synctest.Wait()
				if n := len(w.batches()[0].windows); n != 0 {
					t.Errorf("%d windows of requests, want none", n)
				}
				all := w.appErrors()
				if len(all) != 2 || all[0].Count != 3 || all[1].Count != 1 || all[0].Type != "*fs.PathError" || all[1].Type != "*errors.errorString" {
					t.Fatalf("received %+v, want three of one group and one of another", all)
				}
				checkDetails(t, all[0], level)
			})
		})
	}
}

func checkDetails(t *testing.T, e *report.ApplicationError, level report.Consent) {
	t.Helper()
	if level == report.Counts {
		if e.Message != "" || e.Frames != nil || e.TraceID != [16]byte{} || e.Fingerprint == [16]byte{} {
			t.Errorf("under counts: %+v", e)
		}
		return
	}
	if e.TraceID != [16]byte{7} || !strings.HasPrefix(e.Message, "buying for [email]: open /home/[user]/cart") {
		t.Errorf("message %q, trace %x", e.Message, e.TraceID)
	}
	if len(e.Frames) < 2 || !strings.HasSuffix(e.Frames[0].Function, "agent_test.buy") || e.Frames[0].File != "apperror_test.go" || e.Frames[0].Line == 0 {
		t.Errorf("frames %+v, want buy first", e.Frames)
	}
	for _, f := range e.Frames {
		if strings.ContainsAny(f.File, `/\`) {
			t.Errorf("file %q is no base name", f.File)
		}
	}
}

func TestPanicIsDurableBeforeItGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		memory := newMemory()
		a := start(t, w.options(memory.spool(), report.Diagnostics))
		value := &fs.PathError{Op: "open", Path: "x", Err: fs.ErrClosed}
		if got := panicking(a, func() { panic(value) }); got != value {
			t.Errorf("went on as %v, want the same value", got)
		}
		if memory.written() < 1 || segments(memory) != 1 {
			t.Errorf("%d segments when the panic went on, want 1", segments(memory))
		}
		var none []int
		panicking(a, func() { _ = none[t.Context().Value("index").(int)] })
		panicking(a, func() { _ = none[5%len(t.Name())] })
		time.Sleep(4 * time.Second)
		synctest.Wait()
		types := map[string]*report.ApplicationError{}
		for _, e := range w.appErrors() {
			types[e.Type] = e
			if e.Kind != report.KindPanic || e.Count != 1 || len(e.Frames) == 0 || !strings.Contains(e.Frames[0].Function, "TestPanicIsDurable") {
				t.Errorf("%+v, want the frame that panicked first", e)
			}
		}
		if len(types) != 3 || types["*fs.PathError"] == nil || types["*runtime.TypeAssertionError"] == nil || types["runtime.boundsError"] == nil {
			t.Errorf("types %v", types)
		}
	})
}

// panicking returns what f's panic is once a has seen it.
func panicking(a *agent.Agent, f func()) (value any) {
	defer func() { value = recover() }()
	defer a.Recover()
	f()
	return nil
}

func TestPanicGoesOnWithoutConsentAndWithoutAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		memory := newMemory()
		off := start(t, w.options(memory.spool(), report.Off))
		closed := start(t, w.options(newMemory().spool(), report.Counts))
		_ = closed.Shutdown(t.Context())
		broken := newMemory()
		broken.setFail(errRefused)
		for name, a := range map[string]*agent.Agent{
			"off": off, "nil": nil, "shut down": closed, "disk full": start(t, w.options(broken.spool(), report.Counts)),
		} {
			if got := panicking(a, func() { panic(name) }); got != name {
				t.Errorf("%s: went on as %v", name, got)
			}
			if got := panicking(a, func() {}); got != nil {
				t.Errorf("%s: panic %v out of nothing", name, got)
			}
		}
		if memory.written() != 0 {
			t.Errorf("%d writes without consent", memory.written())
		}
	})
}

func TestTooManyErrorsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		memory := newMemory()
		a := start(t, w.options(memory.spool(), report.Diagnostics))
		for i := range 40 { // a group each
			a.Capture(agent.ApplicationError{Type: fmt.Sprint("T", i), Message: "m"})
		}
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if n := len(w.appErrors()); n != 32 {
			t.Errorf("%d groups, want 32", n)
		}
		if got := a.Stats().Dropped[report.DropOverflow]; got != 8 {
			t.Errorf("%d dropped, want 8", got)
		}
		writes := memory.written()
		for range 100 {
			panicking(a, func() { panic("again") })
		}
		if n := memory.written() - writes; n > 9 {
			t.Errorf("100 panics caused %d writes", n)
		}
		time.Sleep(4 * time.Second)
		synctest.Wait()
		var panics uint64
		for _, e := range w.appErrors() {
			if e.Kind == report.KindPanic {
				panics += e.Count
			}
		}
		if panics != 100 || a.Stats().Errors != 140 {
			t.Errorf("%d panics told and %d errors counted, want 100 and 140", panics, a.Stats().Errors)
		}
	})
}

func TestErrorsFollowConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Off))
		early := agent.ApplicationError{Type: "early", At: time.Now()}
		time.Sleep(time.Second)
		synctest.Wait()
		a.SetConsent(report.Diagnostics)
		a.Capture(early) // it waited in some queue
		a.Capture(agent.ApplicationError{Type: "lowered", Message: "secret words"})
		a.SetConsent(report.Counts)
		time.Sleep(4 * time.Second)
		synctest.Wait()
		a.Capture(agent.ApplicationError{Type: "withdrawn"})
		a.SetConsent(report.Off)
		time.Sleep(4 * time.Second)
		synctest.Wait()
		all := w.appErrors()
		if len(all) != 1 || all[0].Type != "lowered" || all[0].Message != "" {
			t.Errorf("received %+v, want one without message", all)
		}
	})
}

// rude is an error that hurts whoever asks.
type rude struct{}

func (*rude) Error() string { panic("no") }
func (*rude) Unwrap() error { panic("no") }

func TestErrorsThatPanicDoNoHarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Diagnostics))
		a.CaptureError(t.Context(), &rude{})
		a.CaptureError(t.Context(), fmt.Errorf("%s", strings.Repeat("päng ", 10_000)))
		if got, ok := panicking(a, func() { panic(&rude{}) }).(*rude); !ok {
			t.Errorf("went on as %v", got)
		}
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if n := len(w.appErrors()); n != 3 {
			t.Errorf("%d errors, want 3", n)
		}
	})
}

// TestFramesOfOtherLanguages: stacks that are not Go's are kept within the limits of a record, and
// tell no values.
func TestFramesOfOtherLanguages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Diagnostics))
		frames := []report.Frame{
			{Function: "Cart.buy", File: "https://cdn.example/static/app.3f2a91bc.js?v=3#x", Line: 7},
			{Function: "", File: "https://shop.example/users/4711", Line: 1 << 31},
			{Function: "by bob@shop.example", File: `C:\src\cart.c`, Line: 3},
			{Function: strings.Repeat("buy ", 300), File: strings.Repeat("g", 1000) + ".js"},
			{Function: "odd\xff\x00", File: "https://shop.example/mail/bob@shop.example"},
		}
		e := agent.ApplicationError{Kind: report.KindError, Type: "TypeError", Message: "x is undefined", Frames: frames, PCs: []uintptr{1}}
		a.Capture(e)
		e.Frames = slices.Clone(frames)
		e.Frames[0].Line, e.Frames[0].File = 8, "app.99999999.js" // the next release
		a.Capture(e)
		e.Frames[1].Line = 9 // another function, though it has no name
		a.Capture(e)
		e.Type, e.Frames = "RangeError", slices.Repeat(frames[:1], 100)
		a.Capture(e)
		time.Sleep(4 * time.Second)
		all := w.appErrors()
		if len(all) != 3 || all[0].Count != 2 || all[1].Count != 1 || len(all[2].Frames) != report.MaxFrames {
			t.Fatalf("received %+v, want two of a group, one of another and one with as many frames as fit", all)
		}
		want := []report.Frame{
			{Function: "Cart.buy", File: "app.3f2a91bc.js", Line: 7},
			{Function: "<anonymous>", File: ":id", Line: report.MaxLine},
			{Function: "by [email]", File: "cart.c", Line: 3},
			{Function: strings.Repeat("buy ", report.MaxString/4), File: ":id"},
			{Function: "odd\uFFFD ", File: "[email]"},
		}
		got := all[0].Frames
		if len(got) == len(want) {
			want[3].File = got[3].File // cut to the limit
		}
		if !slices.Equal(got, want) || len(got[3].File) > report.MaxString {
			t.Errorf("frames\n%+v, want\n%+v", got, want)
		}
	})
}

func TestFramesNeedDiagnostics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		a := start(t, w.options(newMemory().spool(), report.Counts))
		a.Capture(agent.ApplicationError{Type: "TypeError", Frames: []report.Frame{{Function: "buy"}}})
		a.Capture(agent.ApplicationError{Type: "TypeError", Frames: []report.Frame{{Function: "sell"}}})
		time.Sleep(4 * time.Second)
		all := w.appErrors()
		if len(all) != 2 || all[0].Frames != nil || all[1].Frames != nil {
			t.Errorf("received %+v, want two groups without frames", all)
		}
	})
}
