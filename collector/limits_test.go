package collector

import (
	"crypto/ed25519"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/internal/httpx"
)

var testKey = ed25519.NewKeyFromSeed(make([]byte, 32))

func TestQueueDelayDecides(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(1_000_000 + int64(ms)) }
	q := &queueDelay{interval: time.Second}
	admits := func(ms int, want bool, when string) {
		t.Helper()
		if q.admits(at(ms)) != want {
			t.Errorf("%s: admits = %v", when, !want)
		}
	}
	admits(0, true, "nothing is being committed")
	q.round(at(0), at(0), 0)
	admits(1000, true, "a slow commit within the interval")
	admits(1001, false, "a commit that takes longer than the interval")
	q.done()
	admits(5000, true, "it is over")
	q.round(at(6000), at(5950), 7) // the queue stands
	admits(6500, true, "the queue has stood for less than the interval")
	q.round(at(7000), at(6950), 7)
	admits(7050, true, "below the target")
	admits(7060, false, "the queue has stood for the interval: above the target")
	q.round(at(7100), at(7000), 0)
	admits(7900, true, "the queue was empty: the whole interval again")
}

func TestPressureIsTheRatioOfTheLastSeconds(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	var p pressure
	if got := p.note(now, false); got != 1 {
		t.Errorf("one shed: %v, want 1", got)
	}
	for range 10 {
		p.note(now, true)
		for range 5 {
			p.note(now, false)
		}
	}
	if got := p.note(now, true); got < 4.5 || got > 5.5 {
		t.Errorf("five shed for each one taken: %v", got)
	}
	if got := p.note(now.Add(time.Minute), true); got != 1 {
		t.Errorf("a minute later: %v, want 1", got)
	}
	for range 1000 {
		p.note(now, false)
	}
	if got := p.note(now, false); got != maxPressure {
		t.Errorf("everything is shed: %v, want %v", got, maxPressure)
	}
}

func TestClientBehindProxies(t *testing.T) {
	for _, c := range []struct {
		name, header, peer string
		values             map[string][]string
		want               string
	}{
		{"no proxy", "", "203.0.113.9:1", map[string][]string{"X-Forwarded-For": {"192.0.2.1"}}, "203.0.113.9"},
		{"one proxy", "", "10.0.0.1:1", map[string][]string{"X-Forwarded-For": {"192.0.2.1"}}, "192.0.2.1"},
		{"a client's own entry", "", "10.0.0.1:1", map[string][]string{"X-Forwarded-For": {"1.1.1.1, 192.0.2.1"}}, "192.0.2.1"},
		{"two proxies, two lines", "", "10.0.0.1:1", map[string][]string{"X-Forwarded-For": {"1.1.1.1", "192.0.2.1", "10.0.0.2"}}, "192.0.2.1"},
		{"with a port", "", "10.0.0.1:1", map[string][]string{"X-Forwarded-For": {"192.0.2.1:555"}}, "192.0.2.1"},
		{"the other header is not believed", "", "10.0.0.1:1", map[string][]string{"Forwarded": {"for=192.0.2.1"}}, ""},
		{"not an address", "", "10.0.0.1:1", map[string][]string{"X-Forwarded-For": {"192.0.2.1, unknown"}}, ""},
		{"only proxies", "", "10.0.0.1:1", map[string][]string{"X-Forwarded-For": {"10.0.0.2"}}, ""},
		{"endless", "", "10.0.0.1:1", map[string][]string{"X-Forwarded-For": {"192.0.2.1" + commas(100)}}, ""},
		{"Forwarded", "forwarded", "10.0.0.1:1", map[string][]string{"Forwarded": {`for=1.1.1.1, For="[2001:db8::1]:4711";proto=https;by=10.0.0.1`}}, "2001:db8::1"},
		{"Forwarded, hidden", "Forwarded", "10.0.0.1:1", map[string][]string{"Forwarded": {"for=_hidden"}}, ""},
		{"mapped", "", "[::ffff:10.0.0.1]:1", map[string][]string{"X-Forwarded-For": {"::ffff:192.0.2.1"}}, "192.0.2.1"},
	} {
		s, err := prepare(Settings{ReceiptKey: testKey, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, ForwardedHeader: c.header})
		if err != nil {
			t.Fatal(err)
		}
		want, _ := netip.ParseAddr(c.want) // "": the zero Addr
		if got := s.client(&http.Request{RemoteAddr: c.peer, Header: c.values}); got != want {
			t.Errorf("%s: %v, want %v", c.name, got, want)
		}
	}
	if _, err := prepare(Settings{ReceiptKey: testKey, ForwardedHeader: "X-Real-IP"}); err == nil {
		t.Error("an unknown header is taken")
	}
}

func commas(n int) (s string) {
	for range n {
		s += ", 10.0.0.2"
	}
	return s
}

func TestForecast(t *testing.T) {
	var f forecast
	now := time.Unix(1_000_000, 0)
	at := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	if got := f.outlook(now); got != "" {
		t.Errorf("before anything is known: %q", got)
	}
	f.note(at(0), InboxStats{Bytes: 1000, MaxBytes: 10_000, Pending: 1, Oldest: at(-1)})
	f.note(at(5), InboxStats{Bytes: 1500, MaxBytes: 10_000, Pending: 2, Oldest: at(-1)})
	if got, want := f.fullIn(), 85*time.Minute; got != want {
		t.Errorf("full in %v, want %v", got, want)
	}
	if got := f.outlook(at(5)); got != "" {
		t.Errorf("a detector that was here minutes ago: %q", got)
	}
	if got := f.outlook(at(9)); got == "" || !containsAll(got, "1.4 hours", "2 batches", "1500 of 10000") {
		t.Errorf("cut off for ten minutes: %q", got)
	}
	// all before is older than the window
	f.note(at(200), InboxStats{Bytes: 1500, MaxBytes: 10_000})
	if got := f.fullIn(); got < 1000*time.Hour {
		t.Errorf("without growth: full in %v", got)
	}
}

func containsAll(s string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(s, part) {
			return false
		}
	}
	return true
}

// deadlineWriter remembers its read deadline.
type deadlineWriter struct {
	http.ResponseWriter
	read time.Time
}

func (w *deadlineWriter) SetReadDeadline(t time.Time) error { w.read = t; return nil }

func TestSlowBodiesAreCutSoonerWhenPlacesRunOut(t *testing.T) {
	a := &admission{timeout: 10 * time.Second}
	now := time.Unix(1_000_000, 0)
	for taken, want := range map[int64]time.Time{1: {}, 2: {}, 3: now.Add(2 * time.Second), 4: now.Add(2 * time.Second)} {
		a.uploads = httpx.NewSlots(4)
		for range taken {
			a.uploads.Enter()
		}
		w := new(deadlineWriter)
		a.hurry(w, now)
		if !w.read.Equal(want) {
			t.Errorf("%d of 4 places taken: deadline %v, want %v (zero: unchanged)", taken, w.read, want)
		}
	}
}

// Ten times as many clients as there are places, none of which heeds a slow-down: places are always
// taken, and those without one cost little.
func TestClientsThatIgnoreSlowDownsKeepNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const (
			places = 50
			lasts  = 10 * time.Second
			work   = 100 * time.Millisecond // for one upload
		)
		c, err := New(Options{ID: "c1", Inbox: &stuckInbox{}, Settings: Settings{ReceiptKey: testKey}, MaxUploads: places})
		if err != nil {
			t.Fatal(err)
		}
		var stored, shed atomic.Int64
		var clients sync.WaitGroup
		end := time.Now().Add(lasts)
		for range 10 * places {
			w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil)
			clients.Go(func() {
				for time.Now().Before(end) {
					place, err := c.admission.enter(w, r, httpx.Network{})
					if err != nil {
						shed.Add(1)
						time.Sleep(time.Millisecond) // there and back
						continue
					}
					time.Sleep(work)
					place.leave()
					stored.Add(1)
				}
			})
		}
		clients.Wait()
		if capacity := int64(places * lasts / work); stored.Load() < capacity*8/10 {
			t.Errorf("%d uploads are stored, of %d for which there is time", stored.Load(), capacity)
		}
		// one a second and client
		if most := int64(10 * places * (lasts/time.Second + 1)); shed.Load() > most {
			t.Errorf("%d uploads were turned away, want at most %d", shed.Load(), most)
		}
	})
}

// A full inbox does not grow, and is full now all the same. The disk counts as the limit does.
func TestForecastOfAFullInbox(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		stats InboxStats
		want  time.Duration
	}{
		"at its limit":          {InboxStats{Bytes: 1000, MaxBytes: 1000}, 0},
		"nearly at its limit":   {InboxStats{Bytes: 950, MaxBytes: 1000, Full: true}, 0},
		"its disk is full":      {InboxStats{Bytes: 100, MaxBytes: 1000, Limit: 100, Full: true}, 0},
		"its disk is nearly so": {InboxStats{Bytes: 100, MaxBytes: 1000, Limit: 150}, time.Hour},
		"it is empty":           {InboxStats{Bytes: 100, MaxBytes: 1000}, 18 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			var f forecast
			before := c.stats
			before.Bytes -= 50
			f.note(now, before)
			f.note(now.Add(time.Hour), c.stats)
			if got := f.fullAs(c.stats); got != c.want {
				t.Errorf("full in %v, want %v", got, c.want)
			}
			full := c.stats
			full.Full = true
			f.note(now.Add(2*time.Hour), full) // grows no more
			if got := f.fullAs(full); got != 0 {
				t.Errorf("full and not growing: full in %v, want 0", got)
			}
		})
	}
}

func TestOutlookNamesAMaximumBeyondTheDisk(t *testing.T) {
	var f forecast
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f.note(now, InboxStats{Bytes: 100, MaxBytes: 1000, Limit: 950})
	if got := f.outlook(now); got != "" {
		t.Errorf("a disk with hardly less: %q", got)
	}
	f.note(now, InboxStats{Bytes: 100, MaxBytes: 1000, Limit: 500})
	if got := f.outlook(now); !strings.Contains(got, "take 500 bytes, its maximum is 1000") {
		t.Errorf("a disk with half of it: %q", got)
	}
}
