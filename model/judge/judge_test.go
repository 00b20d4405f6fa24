package judge

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// usual returns the facts of a service whose users are fine.
func usual() Facts {
	return Facts{
		Now: now, Thresholds: Thresholds{Clients: 24, Failures: 10}, Window: 15 * time.Minute, Recent: 5 * time.Minute,
		Targets:  []Sum{{Name: "https://shop.example", OK: 100, Failed: 1, Clients: 1}},
		Networks: 2, Heard: now.Add(-time.Minute), Horizon: time.Hour, Step: time.Minute, Servers: Servers{Up: 3},
		Collectors:  []Sum{{Name: "c0", OK: 40}},
		NetworkName: func(asn uint32) string { return map[uint32]string{64502: "Harbour Net"}[asn] },
	}
}

func shop(id int64, clients int, scope model.Scope) model.Incident {
	return model.Incident{ID: id, App: "shop", Target: "https://shop.example", Outcome: report.TCPReset, Scope: scope,
		Since: now.Add(-time.Duration(id) * time.Minute), Clients: clients, Title: "title of an incident"}
}

func dead(collector string) Sum { return Sum{Name: collector, OK: 2, Failed: 40, Clients: 9} }

func TestOverall(t *testing.T) {
	cases := map[string]struct {
		change   func(*Facts)
		state    State
		headline string
		why      []string // each must be part of one reason
	}{
		"nothing abnormal": {func(f *Facts) {}, Calm, "Users are fine",
			[]string{"101 requests in 15 min, 1.0 % failed, 2 networks", "3 servers up"}},
		"all requests of too few clients fail": {func(f *Facts) {
			f.Targets = []Sum{{Name: "https://127.0.0.1:9", Failed: 40, Clients: 20, RecentFailed: 40}}
		}, Unsure, "40 of 40 requests to https://127.0.0.1:9 failed, 20 clients: too few to judge (24 needed)",
			[]string{"40 requests in 15 min, 100 % failed"}},
		"the only request fails": {func(f *Facts) {
			f.Targets = []Sum{{Name: "https://shop.example", Failed: 1, Clients: 1}}
		}, Unsure, "1 of 1 request to https://shop.example failed, 1 client: too few to judge (24 needed)", []string{"100 % failed"}},
		"a single request to a rare target fails": {func(f *Facts) {
			f.Targets = append(f.Targets, Sum{Name: "https://old.example", Failed: 1, Clients: 1})
		}, Calm, "Users are fine", nil},
		"some requests of too few clients fail": {func(f *Facts) {
			f.Targets = append(f.Targets, Sum{Name: "https://pay.example", OK: 30, Failed: 5, Clients: 3, AtMost: true})
		}, Unsure, "5 of 35 requests to https://pay.example failed, up to 3 clients: too few to judge (24 needed)", nil},
		"enough clients, too few failures": {func(f *Facts) {
			f.Thresholds.Clients = 2
			f.Targets[0] = Sum{Name: "https://shop.example", OK: 9, Failed: 6, Clients: 4}
		}, Unsure, "6 of 15 requests to https://shop.example failed, 4 clients: too few to judge (10 failures needed)", nil},
		"enough of all, not judged": {func(f *Facts) {
			f.Targets[0] = Sum{Name: "https://shop.example", OK: 100, Failed: 1200, Clients: 300}
		}, Unsure, "1,200 of 1,300 requests to https://shop.example failed, 300 clients: no incident so far", nil},
		"enough of all, from too few places": {func(f *Facts) {
			f.Targets[0] = Sum{Name: "https://shop.example", Failed: 40, Clients: 30}
			f.Doubts = map[string]string{"https://shop.example": "too few to judge (1 address prefix of the 5 needed)"}
		}, Unsure, "40 of 40 requests to https://shop.example failed, 30 clients: too few to judge (1 address prefix of the 5 needed)", nil},
		"a service that always fails a little": {func(f *Facts) {
			f.Targets[0] = Sum{Name: "https://shop.example", OK: 800, Failed: 120, Clients: 60}
		}, Calm, "No incident, though 120 of 920 requests to https://shop.example failed, 60 clients", nil},
		"enough of all, lately, not judged": {func(f *Facts) {
			f.Targets[0] = Sum{Name: "https://shop.example", OK: 800, Failed: 120, Clients: 60, RecentOK: 50, RecentFailed: 120}
		}, Unsure, "120 of 920 requests to https://shop.example failed, 60 clients: no incident so far", nil},
		"recovered": {func(f *Facts) {
			f.Targets[0] = Sum{Name: "https://shop.example", OK: 60, Failed: 40, Clients: 20, RecentOK: 30}
		}, Calm, "Users are fine", []string{"40 % failed"}},
		"an incident that has just ended": {func(f *Facts) {
			past := shop(9, 90, model.Scope{})
			past.Until = now.Add(-time.Minute)
			f.Incidents = []model.Incident{past}
			f.Targets[0] = Sum{Name: "https://shop.example", OK: 600, Failed: 150, Clients: 90, RecentOK: 200, RecentFailed: 40}
		}, Calm, "Users are fine", []string{"20 % failed"}},
		"failures after an incident": {func(f *Facts) {
			past := shop(12, 90, model.Scope{})
			past.Until = now.Add(-10 * time.Minute)
			f.Incidents = []model.Incident{past}
			f.Targets[0] = Sum{Name: "https://shop.example", OK: 600, Failed: 150, Clients: 20, RecentOK: 20, RecentFailed: 9}
		}, Unsure, "150 of 750 requests to https://shop.example failed, 20 clients: too few to judge (24 needed)", nil},
		"blind": {func(f *Facts) {
			f.Blindness = Blindness{Blind: []string{"the feed of c1 refuses this detector"}, Impaired: []string{"the clock stepped"}}
		}, Unsure, "The detector is blind: nobody can say how users fare", []string{"the feed of c1 refuses this detector", "the clock stepped"}},
		"blind, with an incident open": {func(f *Facts) {
			f.Incidents = []model.Incident{shop(3, 90, model.Scope{})}
			f.Blindness.Blind = []string{"the feed of c1 refuses this detector"}
		}, Incident, "Requests to https://shop.example fail for everyone: tcp.reset", []string{"the feed of c1 refuses this detector"}},
		"impaired": {func(f *Facts) { f.Blindness.Impaired = []string{"the clock stepped"} }, Calm, "Users are fine", []string{"the clock stepped"}},
		"one user's broken wifi": {func(f *Facts) {
			f.Networks, f.FailingNetworks = 40, 1
			f.Targets[0] = Sum{Name: "https://shop.example", OK: 100, Failed: 4, Clients: 1}
		}, Calm, "Users are fine", []string{"1 of 40 networks failing now"}},
		"one network of few, too few clients": {func(f *Facts) { f.FailingNetworks = 1 }, Calm,
			"No incident, though requests from 1 of 2 networks fail", nil},
		"an incident that alerts nobody": {func(f *Facts) {
			late, thin := shop(2, 30, model.Scope{}), shop(2, 30, model.Scope{})
			late.Late, late.Page, late.Verdict = true, true, model.ServiceDown
			thin.Verdict = model.TooThin
			f.Incidents = []model.Incident{late, thin}
		}, Calm, "Users are fine", []string{"told late, of the past: title of an incident", "too little is known: title of an incident"}},
		"an incident of everyone": {func(f *Facts) { f.Incidents = []model.Incident{shop(2, 30, model.Scope{})} },
			Incident, "Requests to https://shop.example fail for everyone: tcp.reset", []string{"101 requests"}},
		"incidents of networks": {func(f *Facts) {
			f.Incidents = []model.Incident{shop(1, 30, model.Scope{Servers: []string{"192.0.2.1:443"}}), shop(7, 90, model.Scope{ASNs: []uint32{64502, 64503}})}
		}, Incident, "Requests to https://shop.example fail from Harbour Net (AS64502) and AS64503: tcp.reset, and 1 more incident", []string{"title of an incident"}},
		"an incident in silence": {func(f *Facts) {
			f.Incidents, f.Heard = []model.Incident{shop(9, 30, model.Scope{Countries: []string{"DE"}})}, now.Add(-8*time.Minute)
		}, Incident, "Requests to https://shop.example fail from DE: tcp.reset", []string{"nothing was heard for 8 min"}},
		"a dead collector": {func(f *Facts) { f.Collectors = append(f.Collectors, dead("c1")) }, DegradedDelivery,
			"Users are fine; collector c1 does not take reports", []string{"40 of 42 deliveries to c1 failed"}},
		"a dead collector by incident": {func(f *Facts) {
			f.Incidents = []model.Incident{{ID: 4, App: model.DeliveryApp, Target: model.CollectorTarget + "c1", Since: now, Title: "of deliveries"}}
			f.Collectors = append(f.Collectors, dead("c1"), dead("c2"))
		}, DegradedDelivery, "Users are fine; collectors c1 and c2 do not take reports", []string{"of deliveries"}},
		"a collector that loses what it receipted": {func(f *Facts) {
			f.Incidents = []model.Incident{{ID: 4, App: model.DeliveryApp, Target: model.CollectorTarget + "c1", Outcome: model.ReceiptUnkept, Since: now,
				Title: "c1 receipted 312 batches that never came"}}
		}, DegradedDelivery, "Users are fine; collector c1 loses reports that it has receipted", []string{"c1 receipted 312 batches that never came"}},
		"collectors of both kinds": {func(f *Facts) {
			for _, c := range []string{"c3", "c2"} {
				f.Incidents = append(f.Incidents, model.Incident{App: model.DeliveryApp, Target: model.CollectorTarget + c, Outcome: model.ReceiptUnkept, Since: now})
			}
			f.Collectors = append(f.Collectors, dead("c1"))
		}, DegradedDelivery, "Users are fine; collector c1 does not take reports; collectors c2 and c3 lose reports that they have receipted", nil},
		"a collector that takes again": {func(f *Facts) {
			again := dead("c1")
			again.RecentOK = 20
			f.Collectors = append(f.Collectors, again)
		}, Calm, "Users are fine", nil},
		"a dead collector, and users who are not fine": {func(f *Facts) {
			f.Collectors = append(f.Collectors, dead("c1"))
			f.Targets = []Sum{{Name: "https://shop.example", Failed: 40, Clients: 20}}
		}, Unsure, "40 of 40 requests to https://shop.example failed, 20 clients: too few to judge (24 needed)",
			[]string{"collector c1 does not take reports"}},
		"a dead collector, and an incident": {func(f *Facts) {
			f.Collectors = append(f.Collectors, dead("c1"))
			f.Incidents = []model.Incident{shop(2, 30, model.Scope{})}
		}, Incident, "Requests to https://shop.example fail for everyone: tcp.reset", []string{"collector c1 does not take reports"}},
		"a server down, and no client suffers": {func(f *Facts) { f.Servers = Servers{Up: 8, Down: 1, Unknown: 1} }, Calm,
			"Users are fine; 1 of 10 servers down", []string{"10 servers: 1 down, 1 of unknown state"}},
		"no server answers probes, and no client suffers": {func(f *Facts) { f.Servers = Servers{Down: 2} }, Unsure,
			"Users are fine, yet probes reach none of 2 servers", []string{"2 servers: 2 down"}},
		"never a report": {func(f *Facts) { f.Heard, f.Targets, f.Networks = time.Time{}, nil, 0 }, Unsure, "No reports yet", nil},
		"never a report, and no server answers": {func(f *Facts) {
			f.Heard, f.Targets, f.Networks, f.Servers = time.Time{}, nil, 0, Servers{Down: 1}
		}, Unsure, "No reports yet; probes reach none of 1 server", nil},
		"silence": {func(f *Facts) { f.Heard = now.Add(-7 * time.Minute) }, Silent, "Reports have stopped",
			[]string{"nothing was heard for 7 min"}},
		"silence after failures": {func(f *Facts) {
			f.Heard, f.Targets = now.Add(-7*time.Minute), []Sum{{Name: "https://shop.example", Failed: 40, Clients: 20}}
		}, Silent, "Reports have stopped", []string{"40 of 40 requests to https://shop.example failed"}},
		"silence of hours": {func(f *Facts) { f.Heard, f.HeardBefore, f.Targets = time.Time{}, true, nil }, Silent, "Reports have stopped",
			[]string{"nothing was heard for more than 1 h"}},
		"a pause that is usual":         {func(f *Facts) { f.Heard, f.Pause = now.Add(-7*time.Minute), 4*time.Minute }, Calm, "Users are fine", nil},
		"a short pause of a short step": {func(f *Facts) { f.Heard, f.Step = now.Add(-110*time.Second), time.Second }, Calm, "Users are fine", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := usual()
			c.change(&f)
			j := Overall(f)
			if j.State != c.state || j.Headline != c.headline {
				t.Errorf("%s: %s\nwant %s: %s", j.State, j.Headline, c.state, c.headline)
			}
			for _, want := range c.why {
				if !strings.Contains(strings.Join(j.Why, "\n"), want) {
					t.Errorf("%q does not say %q", j.Why, want)
				}
			}
			if j.Why == nil {
				t.Error("Why is nil, want an empty list")
			}
		})
	}
}

func TestSince(t *testing.T) {
	cases := map[string]struct {
		change func(*Facts)
		since  time.Time
	}{
		"the first of the open incidents": {func(f *Facts) {
			f.Incidents = []model.Incident{shop(2, 30, model.Scope{}), shop(7, 9, model.Scope{})}
		}, now.Add(-7 * time.Minute)},
		"calm since the last incident": {func(f *Facts) {
			past := shop(30, 30, model.Scope{})
			past.Until = now.Add(-20 * time.Minute)
			f.Incidents = []model.Incident{past}
		}, now.Add(-20 * time.Minute)},
		"calm since nobody knows when": {func(*Facts) {}, time.Time{}},
		"silence":                      {func(f *Facts) { f.Heard = now.Add(-7 * time.Minute) }, now.Add(-7 * time.Minute)},
		"silence of hours":             {func(f *Facts) { f.Heard, f.HeardBefore = time.Time{}, true }, time.Time{}},
	}
	for name, c := range cases {
		f := usual()
		c.change(&f)
		if got := Overall(f).Since; !got.Equal(c.since) {
			t.Errorf("%s: %v, want %v", name, got, c.since)
		}
	}
}

func TestWords(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 0.2: "<1", 1: "1", 999: "999", 12_345.4: "12,345", 1_000_000: "1,000,000"} {
		if got := count(n); got != want {
			t.Errorf("count(%v) is %s, want %s", n, got, want)
		}
	}
	for want, part := range map[string]float64{"0 %": 0, "<0.1 %": 0.01, "3.4 %": 3.4, "57 %": 57, "99.9 %": 99.99, "100 %": 100} {
		if got := share(part, 100); got != want {
			t.Errorf("share(%v) is %s, want %s", part, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		-5: "0 s", 14 * time.Second: "14 s", time.Minute: "1 min", 185 * time.Second: "3 min 5 s", 20 * time.Minute: "20 min",
		125 * time.Minute: "2 h 5 min", 76 * time.Hour: "3 d 4 h",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%v) is %s, want %s", d, got, want)
		}
	}
	if got := list([]string{"a", "b", "c", "d", "e"}); got != "a, b, c and 2 more" {
		t.Error(got)
	}
	if got := list([]string{"a", "b"}) + list(nil) + plural(1, "delivery") + plural(2, "delivery"); got != "a and b1 delivery2 deliveries" {
		t.Error(got)
	}
}

// The headline must not contradict the numbers, whatever they are.
func TestHeadlineNeverContradictsTheNumbers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		f := usual()
		f.Targets = nil
		for i := range random.IntN(4) {
			ok, failed := float64(random.IntN(40)), float64(random.IntN(20)*random.IntN(2))
			f.Targets = append(f.Targets, Sum{Name: strconv.Itoa(i), OK: ok, Failed: failed, Clients: uint64(random.IntN(40))})
		}
		f.Servers = Servers{Up: random.IntN(3), Down: random.IntN(3)}
		f.FailingNetworks = random.IntN(2)
		if random.IntN(4) == 0 {
			f.Collectors = append(f.Collectors, dead("c1"))
		}
		var ok, failed float64
		for _, s := range f.Targets {
			ok, failed = ok+s.OK, failed+s.Failed
		}
		j := Overall(f)
		fine := strings.HasPrefix(j.Headline, "Users are fine")
		if fine && (failed > 0 && failed >= failingShare*(ok+failed) || f.FailingNetworks > 0) {
			t.Fatalf("%v failed of %v, and yet %s", failed, ok+failed, j.Headline)
		}
		if j.State == DegradedDelivery && !strings.Contains(j.Headline, "collector c1") || (j.State == Calm && f.Servers.Down > 0) != (j.State == Calm && strings.Contains(j.Headline, "down")) {
			t.Fatalf("%s: %s, with %+v", j.State, j.Headline, f.Servers)
		}
	}
}
