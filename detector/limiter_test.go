package detector

import (
	"fmt"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// loaded is a limiter of an empty store.
func loaded(t *testing.T, most int) *limiter {
	t.Helper()
	l := newLimiter()
	l.most = most
	m, _ := newMemory()
	if err := l.load(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return &l
}

func resets(asn uint32, app, server string) model.Series {
	return model.Series{App: app, Target: shop, Outcome: report.TCPReset, Protocol: "h2", Status: 200, Server: server, ASN: asn, Country: "XA", Source: report.SourceAgent}
}

// One place brings so many new series, with fewer names so many more, and no others; everybody else
// brings theirs.
func TestAPlaceBringsSoManySeries(t *testing.T) {
	l := loaded(t, maxStored)
	got := map[string]int{}
	for n := range 50_000 {
		s := resets(7, "shop", fmt.Sprint(n))
		s.Target = fmt.Sprintf("https://%d.test", n)
		switch r := l.admit(noon, place{7, 1}, s); {
		case r == s:
			got["fine"]++
		case r.App == other && r.Outcome == report.Unknown && r.ASN == 7 && r.Country == "XA":
			got["other"]++
		case r.Target == s.Target && r.Server == "" && r.Protocol == "" && r.Status == 0 && r.Outcome == report.TCPReset:
			got["coarse"]++
		default:
			t.Fatalf("%+v becomes %+v", s, r)
		}
	}
	if got["fine"] != 1000 || got["coarse"] != 200 || got["other"] != 48_800 || len(l.known) != 1200 {
		t.Errorf("%v, %d known; want 1000 in full, 200 with fewer names and no others", got, len(l.known))
	}
	// an outage that begins now, seen from the neighbours of that place and from elsewhere
	for n, from := range []place{{7, 2}, {8, 1}, {0, 9}, {}} {
		if s := resets(from.asn, "shop", "192.0.2.1:443"); l.admit(noon, from, s) != s {
			t.Errorf("place %d: %+v is not told apart", n, s)
		}
	}
	// from the place itself it is known by what matters
	s := resets(7, "shop", "192.0.2.9:443")
	l.admit(noon.Add(2*time.Minute), place{7, 1}, s) // 30 more in full, 6 more with fewer names
	for n := range 100 {
		l.admit(noon.Add(2*time.Minute), place{7, 1}, resets(7, "shop", fmt.Sprint("x", n)))
	}
	if l.admit(noon.Add(2*time.Minute), place{7, 1}, s) != s {
		t.Error("a series that is known is reduced")
	}
	if rough := l.admit(noon.Add(2*time.Minute), place{7, 1}, resets(7, "shop", "new")); rough.Target != shop || rough.Outcome != report.TCPReset || rough.Server != "" {
		t.Errorf("a new one becomes %+v, want its target and outcome kept", rough)
	}
}

// Whatever a stranger varies, in one dimension or in several, it is bounded alike, and an outage of
// others that begins during it has its series.
func TestSeriesOfEveryKindAreBounded(t *testing.T) {
	for name, vary := range map[string]func(s *model.Series, n int){
		"applications":          func(s *model.Series, n int) { s.App = fmt.Sprint("app", n) },
		"targets":               func(s *model.Series, n int) { s.Target = fmt.Sprintf("https://%d.test", n) },
		"servers":               func(s *model.Series, n int) { s.Server = fmt.Sprintf("[2001:db8::%x]:443", n) },
		"protocols":             func(s *model.Series, n int) { s.Protocol = fmt.Sprint("h", n) },
		"outcomes":              func(s *model.Series, n int) { s.Outcome = report.Outcome(fmt.Sprint("tls.x", n)) },
		"servers and protocols": func(s *model.Series, n int) { s.Server, s.Protocol = fmt.Sprint(n), fmt.Sprint(n%7) },
		"everything": func(s *model.Series, n int) {
			s.App, s.Target, s.Server, s.Protocol, s.Outcome = fmt.Sprint(n), fmt.Sprint(n), fmt.Sprint(n), fmt.Sprint(n), report.Outcome(fmt.Sprint("tcp.x", n))
			s.Status, s.Source, s.Flags = uint16(100+n%500), report.Source(n%4), report.Flags(n%4)
		},
	} {
		l := loaded(t, maxStored)
		kept := map[model.Series]bool{}
		for n := range 20_000 {
			s := resets(7, "shop", "a")
			vary(&s, n)
			kept[l.admit(noon, place{7, 1}, s)] = true
			if n%1000 == 0 {
				if s := resets(8, "shop", fmt.Sprint("192.0.2.1:", n)); l.admit(noon, place{8, report.Bucket(1 + n/1000)}, s) != s {
					t.Errorf("%s: series %+v of another network is not told apart", name, s)
				}
			}
		}
		if len(kept) < 1000 || len(kept) > 1250 || len(l.known) > 1250 {
			t.Errorf("%s: %d series are kept, %d known; want some 1,200", name, len(kept), len(l.known))
		}
	}
}

// A network whose places all bring what they may still has a limit of its own.
func TestANetworkBringsSoManySeries(t *testing.T) {
	l := loaded(t, maxStored)
	fine := 0
	for n := range 30_000 {
		if s := resets(7, "shop", fmt.Sprint(n)); l.admit(noon, place{7, report.Bucket(1 + n%4000)}, s) == s {
			fine++
		}
	}
	if fine != 20_000 {
		t.Errorf("%d series in full, want 20,000", fine)
	}
}

// Of too many series those go that are used least where there are most; what comes anew has room.
func TestTheLeastUsedSeriesGo(t *testing.T) {
	l := loaded(t, 1000)
	honest := resets(8, "shop", "192.0.2.1:443")
	used := resets(7, "shop", "192.0.2.1:443")
	for minute := range 10 {
		l.admit(noon.Add(time.Duration(minute)*time.Minute), place{8, 1}, honest)
		l.admit(noon.Add(time.Duration(minute)*time.Minute), place{7, 1}, used)
	}
	later := noon.Add(time.Hour)
	for n := range 10_000 {
		app := fmt.Sprint("app", n%3)
		if s := resets(7, app, fmt.Sprint(n)); l.admit(later, place{7, report.Bucket(1 + n%100)}, s) != s {
			t.Fatalf("series %d is reduced", n)
		}
	}
	if len(l.known) > 1000 || len(l.known) < 900 || l.stats.evicted < 9000 {
		t.Errorf("%d series are known, %d were forgotten", len(l.known), l.stats.evicted)
	}
	for name, s := range map[string]model.Series{"of another network": honest, "in use for long": used} {
		if !l.use(l.hash(s), 0) {
			t.Errorf("the series %s is forgotten", name)
		}
	}
	if s := resets(9, "new", "192.0.2.1:443"); l.admit(later, place{9, 1}, s) != s {
		t.Error("there is no room for a new series")
	}
	for asn, n := range l.networks {
		count := 0
		for _, apps := range n.apps {
			count += apps
		}
		if count != len(n.series) {
			t.Errorf("network %d: %d series in its applications, %d in all", asn, count, len(n.series))
		}
		for i, k := range n.series {
			if k.at != i || l.known[k.hash] != k {
				t.Fatalf("network %d: series %d is out of place", asn, i)
			}
		}
	}
}

// What was used is known also after the store was read again.
func TestUsesOutliveAReload(t *testing.T) {
	m, k := newMemory()
	s := resets(7, "shop", "a")
	m.series = []model.Series{s, resets(7, "shop", "b")}
	if err := k.series.load(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	for minute := range 5 {
		k.series.admit(noon.Add(time.Duration(minute)*time.Minute), place{7, 1}, s)
	}
	m.fail = "series"
	k.series.forget()
	if err := k.series.load(t.Context(), m); err == nil {
		t.Fatal("the fault of the store is not told")
	}
	if err := k.series.load(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := k.series.known[k.series.hash(s)]; got == nil || len(k.series.known) != 2 {
		t.Errorf("%d series are known, this one %+v", len(k.series.known), got)
	}
	m.series = m.series[:1] // the other was deleted
	k.series.forget()
	if err := k.series.load(t.Context(), m); err != nil || len(k.series.known) != 1 {
		t.Errorf("%d series are known, %v", len(k.series.known), err)
	}
}
