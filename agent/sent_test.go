package agent_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
)

func TestSentTellsWhatLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1", "c2")
		w.policy.SamplesPerWindow = 5
		w.setHandler("c1", refuse)
		w.setHandler("c2", refuse)
		memory := newMemory()
		a := start(t, w.options(memory.spool(), report.Diagnostics))
		o := failure("shop.example")
		o.URL, o.Method = "https://shop.example/cart/4815162342?token=hunter2", "GET"
		a.Observe(o)
		a.Observe(o)
		a.Observe(success("shop.example"))
		a.CaptureError(t.Context(), errRefused)
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if got, err := a.Sent(); len(got) != 0 || err != nil || memory.blobs()["sent"] != nil {
			t.Errorf("before anything was sent: %v, %v", got, err)
		}
		w.setHandler("c2", nil)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		got, err := a.Sent()
		if err != nil || len(got) != 1 || got[0].Collector != "c2" || !got[0].Known {
			t.Fatalf("sent %+v, %v; want one report to c2", got, err)
		}
		text := got[0].String()
		for _, want := range []string{
			"went to collector c2 (https://c2.example)", "counts and diagnostics", "2 requests to https://shop.example failed: tcp.refused",
			"1 request to https://shop.example succeeded", "GET https://shop.example/cart/:id: tcp.refused", "1 × app.error *errors.errorString: connection refused",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("the log does not say %q:\n%s", want, text)
			}
		}
		if strings.Contains(text, "hunter2") {
			t.Errorf("the log has more than what was sent:\n%s", text)
		}
		for name, blob := range memory.blobs() {
			if bytes.Contains(blob, []byte("shop.example")) {
				t.Errorf("%s is readable by whoever searches the disk", name)
			}
		}
		a.SetConsent(report.Off)
		if got, err := a.Sent(); len(got) != 0 || err != nil {
			t.Errorf("after revoking: %v, %v", got, err)
		}
	})
}

func TestSentOfAnEarlierRunSaysThatItCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "c1")
		w.setHandler("c1", refuse)
		memory := newMemory()
		first := start(t, w.options(memory.spool(), report.Counts))
		first.Observe(failure("shop.example"))
		_ = first.Shutdown(t.Context())
		w.setHandler("c1", nil)
		second := start(t, w.options(memory.spool(), report.Counts))
		second.Observe(failure("other.example"))
		time.Sleep(time.Minute)
		synctest.Wait()
		got, err := agent.ReadSent(memory.spool())
		if err != nil || len(got) != 2 || got[0].Known || !got[1].Known {
			t.Fatalf("sent %+v, %v; want one of the run before and one of this", got, err)
		}
		if text := got[0].String(); !strings.Contains(text, "only its receiver can read it") {
			t.Errorf("the log says %q", text)
		}
	})
}

// TestSentWhen: the text says times as package time does.
func TestSentWhen(t *testing.T) {
	for _, at := range []time.Time{
		time.Date(2026, time.November, 30, 9, 5, 7, 0, time.UTC),
		time.Date(2027, time.January, 1, 0, 0, 0, 999, time.FixedZone("", -5*3600)),
		time.Date(1970, time.December, 31, 23, 59, 59, 0, time.UTC),
	} {
		text := agent.SentReport{At: at}.String()
		if !strings.HasPrefix(text, at.Format(time.DateTime)+": ") {
			t.Errorf("%v is said to be %q", at, text)
		}
	}
}
