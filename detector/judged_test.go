package detector

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// cutOff makes every request of a network fail.
func cutOff(asn uint32) func(*judgement.Row) {
	return func(r *judgement.Row) {
		if r.ASN == asn {
			r.Outcome, r.Status = report.TCPReset, 0
		}
	}
}

// A fault is told in half a minute, with its beginning, and is over soon after its end.
func TestOnsetAndEnd(t *testing.T) {
	w := newTown(t, judgement.Options{})
	w.networks = 12
	w.calm(12 * time.Minute)
	w.fault = cutOff(64502)
	broke := w.now
	events := w.pass(40 * time.Second)
	paged := paging(events)
	if len(paged) != 1 || !slices.Equal(paged[0].Scope.ASNs, []uint32{64502}) || paged[0].Outcome != report.TCPReset || paged[0].Verdict != model.NetworkPath {
		t.Fatalf("40 s after the fault began: %+v", events)
	}
	if d := paged[0].Since.Sub(broke).Abs(); d > 10*time.Second {
		t.Errorf("it is told to have begun %v off", d)
	}
	if want := "tcp.reset for https://shop.test from AS64502: "; !strings.HasPrefix(paged[0].Title, want) {
		t.Errorf("title %q", paged[0].Title)
	}
	w.pass(2 * time.Minute)
	w.fault = nil
	healed := w.now
	events = w.pass(5 * time.Minute)
	last := events[len(events)-1]
	if last.Kind != model.Cleared || last.Incident.Until.Sub(healed).Abs() > 20*time.Second || len(w.news.open) != 0 {
		t.Errorf("after its end: %+v", events)
	}
}

// What is configured holds: with fewer clients, less excess, a smaller ratio or less evidence
// nobody is alerted.
func TestThresholdsHold(t *testing.T) {
	for name, c := range map[string]struct {
		options judgement.Options
		clients int // that fail, of 50 in the network
		pages   bool
	}{
		"the defaults":              {judgement.Options{}, 30, true},
		"one client":                {judgement.Options{}, 1, false},
		"one client too few":        {judgement.Options{Clients: 24}, 23, false},
		"clients enough":            {judgement.Options{Clients: 24}, 24, true},
		"a threshold of excess":     {judgement.Options{Excess: 1e6}, 30, false},
		"a threshold of evidence":   {judgement.Options{Evidence: 1e5}, 30, false},
		"a threshold of the ratio":  {judgement.Options{Ratio: 1e5}, 30, false},
		"nobody fails who does not": {judgement.Options{}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, c.options)
			w.networks = 12
			w.calm(10 * time.Minute)
			failing := map[uint64]bool{}
			w.fault = func(r *judgement.Row) {
				if r.ASN == 64502 && (failing[r.Client] || len(failing) < c.clients) {
					failing[r.Client] = true
					r.Outcome = report.TCPReset
				}
			}
			if paged := paging(w.pass(3 * time.Minute)); (len(paged) > 0) != c.pages {
				t.Errorf("%+v", paged)
			}
		})
	}
}

// A burst that is over at once, and a rate that was always so, alert nobody.
func TestBurstsAndHabitsAlertNobody(t *testing.T) {
	w := newTown(t, judgement.Options{})
	w.background = 0.3 // from the start
	w.calm(25 * time.Minute)
}

// Two faults are two incidents; one fault with two outcomes is one, and names both.
func TestFaultsAreToldApartAndTheirOutcomesAreNot(t *testing.T) {
	w := newTown(t, judgement.Options{})
	w.networks = 12
	w.calm(12 * time.Minute)
	began := w.now
	w.fault = func(r *judgement.Row) {
		switch {
		case r.ASN == 64501 && w.now.Sub(began) < 2*time.Minute: // one network, two outcomes
			r.Outcome = []report.Outcome{report.TCPReset, report.TCPReset, report.TCPTimedOut}[w.rng.IntN(3)]
		case r.ASN == 64501:
			r.Outcome = report.TCPTimedOut
		case r.ASN == 64504 && w.rng.IntN(2) == 0:
			r.Outcome, r.Server = report.DNSFailed, ""
		}
	}
	events := w.pass(5 * time.Minute)
	w.fault = nil
	events = append(events, w.pass(6*time.Minute)...)
	byNetwork := map[uint32]model.Incident{}
	ids := map[int64]bool{}
	for _, e := range events {
		if ids[e.Incident.ID] = true; len(e.Incident.Scope.ASNs) == 1 {
			byNetwork[e.Incident.Scope.ASNs[0]] = e.Incident
		}
	}
	if len(ids) != 2 || len(byNetwork) != 2 {
		t.Fatalf("%d incidents in %d networks: %+v", len(ids), len(byNetwork), events)
	}
	first := byNetwork[64501]
	if both := append([]report.Outcome{first.Outcome}, first.Also...); !slices.Contains(both, report.TCPReset) || !slices.Contains(both, report.TCPTimedOut) || first.Open() {
		t.Errorf("%+v, want both outcomes named, and its end", first)
	}
	if second := byNetwork[64504]; second.Outcome != report.DNSFailed || second.Open() {
		t.Errorf("%+v", second)
	}
}

// What probers find is evidence.
func TestProbesAddEvidence(t *testing.T) {
	found := func(vantage string, asn uint32, down bool) *model.ProbeResult {
		r := &model.ProbeResult{Vantage: vantage, VantageASN: asn, Server: "192.0.2.2:443", Judgement: report.JudgedUp, Outcome: report.OK}
		if down {
			r.Judgement, r.Outcome = report.JudgedDown, report.TCPRefused
		}
		return r
	}
	for name, c := range map[string]struct {
		probes []*model.ProbeResult
		want   model.SignalCode
	}{
		"the server is down":         {[]*model.ProbeResult{found("v1", 1, true), found("v2", 2, true)}, model.SignalProbesDown},
		"the server is up":           {[]*model.ProbeResult{found("v1", 1, false), found("v2", 2, false)}, model.SignalProbesAnswer},
		"a vantage has seen it fail": {[]*model.ProbeResult{{Vantage: "v1", Server: "192.0.2.2:443", Judgement: report.JudgedUp, Outcome: report.TCPRefused}}, model.SignalProbesPending},
		"a vantage has doubts":       {[]*model.ProbeResult{{Vantage: "v1", Server: "192.0.2.2:443", Judgement: report.JudgedInconclusive, Outcome: report.TCPRefused}}, ""},
		"there are no probers":       {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, judgement.Options{})
			broken := false
			w.fault = func(r *judgement.Row) {
				if w.rng.IntN(4) == 0 {
					r.Server = "192.0.2.2:443"
					if broken {
						r.Outcome, r.Status = report.TCPRefused, 0
					}
				}
			}
			w.calm(12 * time.Minute)
			broken = true
			for _, p := range c.probes {
				p.At = w.now
				w.judging.addProbe(p)
			}
			paged := paging(w.pass(2 * time.Minute))
			if len(paged) != 1 || !slices.Equal(paged[0].Scope.Servers, []string{"192.0.2.2:443"}) {
				t.Fatalf("%+v", paged)
			}
			var codes []model.SignalCode
			for _, s := range paged[0].Evidence {
				if strings.HasPrefix(string(s.Code), "probes") {
					codes = append(codes, s.Code)
				}
			}
			if c.want == "" && len(codes) > 0 || c.want != "" && !slices.Equal(codes, []model.SignalCode{c.want}) {
				t.Errorf("%v, want %q: %+v", codes, c.want, paged[0].Evidence)
			}
		})
	}
}

// A failure that lasts for days is learned as normal in the end.
func TestWhatLastsForDaysBecomesNormal(t *testing.T) {
	w := newTown(t, judgement.Options{Bin: time.Minute, Grace: time.Second})
	w.networks, w.clients, w.requests = 6, 60, 1
	w.calm(2 * time.Hour)
	w.fault = func(r *judgement.Row) {
		if r.ASN == 64502 && w.rng.IntN(2) == 0 {
			r.Outcome = report.TCPReset
		}
	}
	began := w.now
	events := w.pass(6 * 24 * time.Hour)
	if len(w.news.open) != 0 {
		t.Fatalf("it is open after six days: %+v", w.news.open)
	}
	last := events[len(events)-1]
	if d := w.news.over[last.Incident.ID].Sub(began); d < 24*time.Hour {
		t.Errorf("it was over after %v", d)
	}
}

// Names that strangers invent take a bounded place, and leave it.
func TestInventedNamesAreBounded(t *testing.T) {
	w := newTown(t, judgement.Options{MaxSeries: 2000})
	w.clients = 120
	w.extra = func(second int64) (rows []judgement.Row) {
		for i := range int64(100) {
			rows = append(rows, judgement.Row{At: second * 1000, Arrived: second * 1000, App: "shop", Target: shop, Outcome: report.Outcome(fmt.Sprintf("tcp.x%d", second*100+i)),
				Server: fmt.Sprintf("198.51.100.%d:%d", i, second%60000), Version: fmt.Sprint(second, i), Source: report.SourceAgent, ASN: uint32(70000 + i), Country: "XB",
				Bucket: report.Bucket(1 + i), Client: uint64(i + 5000), Raw: 1, Estimated: 1})
		}
		return rows
	}
	w.pass(10 * time.Minute)
	if text, err := w.judging.text(); err != nil || len(text) > 8<<20 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}
