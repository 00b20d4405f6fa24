package nats

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/collector/natsinbox"
	"github.com/heliograph-net/heliograph/report"
)

// hook is a receiver of alerts, which refuses them as long as it is told to.
type hook struct {
	*testing.T
	url     string
	refuses atomic.Bool
	mu      sync.Mutex
	told    []string // status, incident and fingerprint of each alert that it has taken
}

func newHook(t *testing.T) *hook {
	h := &hook{T: t}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct {
			Alerts []struct {
				Status              alerts.Status
				Labels, Annotations map[string]string
				Fingerprint         string
			}
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&m); err != nil {
			t.Errorf("reading a message: %v", err)
		}
		if h.refuses.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, a := range m.Alerts {
			if a.Labels["alertname"] == alerts.NameIncident {
				h.told = append(h.told, fmt.Sprintf("%s %s %s", a.Status, a.Labels["incident"], a.Fingerprint))
				t.Logf("told: %s: %s", h.told[len(h.told)-1], a.Annotations["summary"])
			}
		}
	}))
	t.Cleanup(s.Close)
	h.url = s.URL
	return h
}

func (h *hook) heard() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.told)
}

// hears waits until so many alerts were told.
func (h *hook) hears(n int) {
	h.Helper()
	eventually(h.T, fmt.Sprintf("%d alerts are told", n), func(context.Context) (int, error) {
		if got := h.heard(); len(got) < n {
			return 0, fmt.Errorf("told are %q", got)
		}
		return 0, nil
	})
}

// settings are lines of a detector that judges bins of a second and alerts a hook.
func (h *hook) settings(member string, n *node, domain string) string {
	return fmt.Sprintf("alerts:\n  receivers: [{name: hook, kind: webhook, url: %q}]\n  ledger: {member: %s, servers: [%q], domain: %q, replicas: 1}\n", h.url, member, n.url(), domain)
}

// history sends what was received in the last ten minutes: a detector that knows less judges
// nothing.
func (o *outlet) history() {
	for o.age = 10 * time.Minute; o.age > 0; o.age -= 5 * time.Second {
		o.send(20, report.OK)
	}
	o.age = 0
}

// traffic has an outlet send a few batches four times a second, until the test ends. The function
// that it returns has them fail, or not.
func (o *outlet) traffic(t *testing.T) (fail func(bool)) {
	var failing atomic.Bool
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil {
			outcome := report.OK
			if failing.Load() {
				outcome = report.TCPTimedOut
			}
			for all := o.entries(20, outcome); ctx.Err() == nil && o.queue.Append(ctx, all) != nil; {
				time.Sleep(50 * time.Millisecond)
			}
			select {
			case <-time.After(250 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	})
	t.Cleanup(func() { stop(); running.Wait() })
	return failing.Store
}

// standing waits until a member has so many faults of a standing.
func (m *member) standing(of string, want float64) {
	m.Helper()
	eventually(m.T, fmt.Sprintf("%s has %v faults that are %s", m.name, want, of), func(ctx context.Context) (int, error) {
		got, err := m.metric(ctx, fmt.Sprintf("heliograph_ledger_faults{standing=%q}", of))
		if err == nil && got != want {
			err = fmt.Errorf("it has %v", got)
		}
		return 0, err
	})
}

// owner waits until one of two members tells of a fault and the other sees it, too.
func owner(t *testing.T, a, b *member) (own, other *member) {
	t.Helper()
	own = eventually(t, "one tells", func(ctx context.Context) (*member, error) {
		for _, m := range []*member{a, b} {
			if got, err := m.metric(ctx, `heliograph_ledger_faults{standing="own"}`); err == nil && got > 0 {
				return m, nil
			}
		}
		text, err := a.get(ctx, "http://"+a.dashboard+"/api/v1/now")
		return nil, fmt.Errorf("nobody does: %s, %v", text, err)
	})
	other = a
	if own == a {
		other = b
	}
	other.standing("other", 1)
	return own, other
}

// TestOneAlertWhoeverIsKilled: of two detectors that judge the same outage one tells of it. It is
// killed before anybody has heard it; the other one tells, once, and goes on telling when the first
// is back.
func TestOneAlertWhoeverIsKilled(t *testing.T) {
	t.Parallel()
	n, h := alone(t, "always"), newHook(t)
	s := newSite(t, "inbox.db")
	from := s.newOutlet(n, natsinbox.Options{Readers: []string{"m1", "m2"}})
	from.history()
	var both []*member
	for _, name := range []string{"m1", "m2"} {
		m := s.newMember(name, n, "test", "source: c1, reader: "+name, h.settings(name, n, ""))
		m.start()
		both = append(both, m)
	}
	fail := from.traffic(t)
	for _, m := range both {
		m.meets(2)
		m.judged()
	}
	h.refuses.Store(true)
	fail(true)
	own, other := owner(t, both[0], both[1])
	own.kill()
	h.refuses.Store(false)
	h.hears(1)
	other.standing("own", 1)
	own.start()
	own.standing("other", 1)
	fail(false)
	h.hears(2)
	eventually(t, "the outage is over for both", func(ctx context.Context) (int, error) {
		got, err := own.metric(ctx, "heliograph_detector_open_incidents")
		if err == nil && got > 0 {
			err = fmt.Errorf("%v incidents are open", got)
		}
		return 0, err
	})
	told := h.heard()
	if len(told) != 2 || told[1] != "resolved"+told[0][len("firing"):] {
		t.Errorf("told were %q", told)
	}
}

// TestAnOwnerStandsStill: a detector that tells of an outage is stopped for longer than its lease.
// The other one tells of the end, and the first, which goes on as if nothing had been, does not.
func TestAnOwnerStandsStill(t *testing.T) {
	t.Parallel()
	n, h := alone(t, "always"), newHook(t)
	s := newSite(t, "inbox.db")
	from := s.newOutlet(n, natsinbox.Options{Readers: []string{"m1", "m2"}})
	from.history()
	var both []*member
	for _, name := range []string{"m1", "m2"} {
		m := s.newMember(name, n, "test", "source: c1, reader: "+name, h.settings(name, n, ""))
		m.start()
		both = append(both, m)
	}
	fail := from.traffic(t)
	for _, m := range both {
		m.meets(2)
		m.judged()
	}
	fail(true)
	own, other := owner(t, both[0], both[1])
	h.hears(1)
	if err := own.process.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	other.standing("own", 1)
	fail(false)
	h.hears(2)
	if err := own.process.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the outage is over for both", func(ctx context.Context) (int, error) {
		got, err := own.metric(ctx, "heliograph_detector_open_incidents")
		if err == nil && got > 0 {
			err = fmt.Errorf("%v incidents are open", got)
		}
		return 0, err
	})
	if told := h.heard(); len(told) != 2 || told[1] != "resolved"+told[0][len("firing"):] {
		t.Errorf("told were %q", told)
	}
}

// TestRegionAlertsWithoutItsHub: a detector of a region alerts while the hub is gone. The detector
// at the hub does not alert again when it has caught up.
func TestRegionAlertsWithoutItsHub(t *testing.T) {
	t.Parallel()
	hub, region := deployed(t)
	h := newHook(t)
	s := newSite(t, "inbox.db")
	from := s.newOutlet(region, natsinbox.Options{Hub: "hub-c1", HubDomain: "hub", Readers: []string{"eu"}})
	sourceFromRegion(t, hub, 64<<20)
	from.history()
	eu := s.newMember("eu", region, "eu", "source: c1, reader: eu", h.settings("eu", region, "hub"))
	world := s.newMember("world", hub, "world", "source: c1, stream: hub-c1, domain: hub", h.settings("world", hub, "hub"))
	fail := from.traffic(t)
	eu.start()
	world.start()
	eu.judged()
	world.judged()
	hub.kill()
	fail(true)
	h.hears(1)
	hub.start(t)
	eu.standing("own", 1)
	world.standing("other", 1)
	if told := h.heard(); len(told) != 1 {
		t.Errorf("told were %q", told)
	}
}
