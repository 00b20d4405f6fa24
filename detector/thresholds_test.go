package detector

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// clientsBin is a bin in which clients of one network make two requests each; the first failing of
// them fail with both.
func clientsBin(asn uint32, clients, failing int) []model.Count {
	var cells []model.Count
	for c := range clients {
		cell := model.Count{Series: model.Series{App: "shop", Target: shop, Outcome: report.OK, Server: server(c % 3), ASN: asn, Country: "XA", Source: report.SourceAgent}, Client: uint64(asn)<<32 | uint64(c+1), Raw: 2, Estimated: 2}
		if c < failing {
			cell.Outcome = report.TCPReset
		}
		cells = append(cells, cell)
	}
	return cells
}

func TestOnsetAndClearBins(t *testing.T) {
	for name, c := range map[string]struct {
		thresholds  Thresholds
		clients     int
		failing     func(bin int) int // -1: nobody reports
		open, clear int               // bins of the events, 0: none
	}{
		"two hot bins open, three good ones clear": {clients: 30, failing: from(10, 20, 30), open: 11, clear: 22},
		"never when all is well":                   {clients: 30, failing: from(10, 20, 0)},
		"a burst in one bin is none":               {clients: 30, failing: from(10, 11, 30)},
		"one client too few":                       {clients: 30, failing: from(10, 20, 23)},
		"just enough clients":                      {clients: 30, failing: from(10, 20, 24), open: 11, clear: 22},
		"fewer clients when so configured":         {thresholds: Thresholds{Clients: 5}, clients: 30, failing: from(10, 20, 8), open: 11, clear: 22},
		"a higher threshold of excess":             {thresholds: Thresholds{Excess: 200}, clients: 30, failing: from(10, 20, 30)},
		"a higher threshold of evidence":           {thresholds: Thresholds{Evidence: 300}, clients: 30, failing: from(10, 20, 30)},
		"three hot bins when so configured":        {thresholds: Thresholds{Hot: 3}, clients: 30, failing: from(10, 20, 30), open: 12, clear: 22},
		"one good bin when so configured":          {thresholds: Thresholds{Clear: 1}, clients: 30, failing: from(10, 20, 30), open: 11, clear: 20},
		"two of three bins": {clients: 30, open: 12, clear: 22, failing: func(bin int) int {
			if bin >= 10 && bin < 20 && bin != 11 {
				return 30
			}
			return 0
		}},
		"good bins between bad ones do not clear": {clients: 30, open: 11, clear: 32, failing: func(bin int) int {
			if bin >= 10 && bin < 30 && bin%3 != 0 {
				return 30
			}
			return 0
		}},
		"silence does not clear at once": {clients: 30, open: 11, clear: 33, failing: func(bin int) int {
			switch {
			case bin >= 10 && bin < 20:
				return 30
			case bin >= 20 && bin < 31:
				return -1
			}
			return 0
		}},
		"a long silence clears": {thresholds: Thresholds{Silence: 12}, clients: 30, open: 11, clear: 31, failing: func(bin int) int {
			switch {
			case bin < 10:
				return 0
			case bin < 20:
				return 30
			}
			return -1
		}},
		"an outage at the very start": {clients: 60, failing: from(0, 20, 60), open: 1, clear: 22},
		"a rate that was always so":   {clients: 60, failing: from(0, 40, 20)},
	} {
		t.Run(name, func(t *testing.T) {
			d := newSeriesDetector(t, c.thresholds)
			var all []moment
			for b := range 40 {
				var cells []model.Count
				if n := c.failing(b); n >= 0 {
					cells = clientsBin(64501, c.clients, n)
				}
				for _, e := range d.Step(binEnd(b), fold(cells)) {
					if e.Kind != model.Changed {
						all = append(all, moment{b, e})
					}
				}
			}
			var got []int
			for _, m := range all {
				got = append(got, m.bin)
			}
			var want []int
			if c.open > 0 {
				want = []int{c.open, c.clear}
			}
			if !slices.Equal(got, want) {
				dump(t, all)
				t.Errorf("events in bins %v, want %v", got, want)
			}
		})
	}
}

// from has n clients fail in the bins first..end-1.
func from(first, end, n int) func(int) int {
	return func(bin int) int {
		if bin >= first && bin < end {
			return n
		}
		return 0
	}
}

func TestShouting(t *testing.T) {
	shout := func(asn uint32, client, raw uint64, o report.Outcome, weight float64) model.Count {
		return model.Count{Series: model.Series{App: "shop", Target: shop, Outcome: o, Server: server(0), ASN: asn, Country: "XA", Source: report.SourceAgent}, Client: client,
			Raw: raw, Estimated: float64(raw) * weight}
	}
	several := func(n int, f func(i int) model.Count) (cells []model.Count) {
		for i := range n {
			cells = append(cells, f(i))
		}
		return cells
	}
	for name, c := range map[string]struct {
		background float64
		clients    int
		extra      []model.Count // from bin 20 on
		outage     bool          // from bin 20 on, AS64502 is cut off
		allowed    []uint32
	}{
		"one client fails a million times a bin":    {0.01, 30, []model.Count{shout(64505, 1<<60, 1e6, report.TCPReset, 1)}, false, nil},
		"likewise among many with failures":         {0.05, 120, []model.Count{shout(64505, 1<<60, 1e6, report.TCPReset, 1)}, false, nil},
		"one client fails twenty times a bin":       {0.03, 120, []model.Count{shout(64505, 1<<60, 20, report.TCPReset, 1)}, false, nil},
		"one client claims a giant weight":          {0.01, 30, []model.Count{shout(64505, 1<<60, 5, report.TCPReset, 1e6)}, false, nil},
		"likewise among many with failures, too":    {0.05, 120, []model.Count{shout(64505, 1<<60, 5, report.TCPReset, 1e6)}, false, nil},
		"ten clients in a loop":                     {0.05, 120, several(10, func(i int) model.Count { return shout(uint32(64501+i%5), 1<<60+uint64(i), 1000, report.TCPReset, 1) }), false, nil},
		"a machine that invents clients":            {0.01, 30, several(500, func(i int) model.Count { return shout(64505, 1<<60+uint64(i), 3, report.TCPReset, 1) }), false, []uint32{64505}},
		"successes invented to hide an outage":      {0.01, 30, []model.Count{shout(64502, 1<<60, 4e9, report.OK, 1)}, true, []uint32{64502}},
		"a weight invented to hide an outage":       {0.01, 30, []model.Count{shout(64502, 1<<60, 3, report.OK, 1e6)}, true, []uint32{64502}},
		"a fake network that invents its own users": {0.01, 30, several(500, func(i int) model.Count { return shout(65000, 1<<60+uint64(i), 3, report.TCPReset, 1) }), false, []uint32{65000}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(5)
			w.background, w.clients = c.background, c.clients
			w.fault = func(bin int, r *request) {
				if c.outage && bin >= 20 && r.asn == 64502 {
					r.outcome = report.TCPReset
				}
			}
			d := newSeriesDetector(t, Thresholds{})
			all := w.play(d, 0, 20)
			for b := 20; b < 60; b++ {
				for _, e := range d.Step(binEnd(b), fold(append(w.bin(b), c.extra...))) {
					all = append(all, moment{b, e})
				}
			}
			opened := ofKind(all, model.Opened)
			for _, m := range all {
				if !slices.Equal(m.Incident.Scope.ASNs, c.allowed) || c.allowed == nil {
					dump(t, all)
					t.Fatalf("raised %+v", m.Incident)
				}
			}
			if c.outage && (len(opened) != 1 || opened[0].bin > 23) {
				dump(t, all)
				t.Error("the outage was hidden")
			}
		})
	}
}

func TestFaultsAreToldApartAndTheirOutcomesAreNot(t *testing.T) {
	w := newWorld(8)
	w.fault = func(bin int, r *request) {
		switch {
		case bin < 20 || bin >= 40:
		case r.asn == 64501 && bin < 30: // one network, two outcomes
			r.outcome = []report.Outcome{report.TCPReset, report.TCPReset, report.TCPTimedOut}[w.rng.IntN(3)]
		case r.asn == 64501:
			r.outcome = report.TCPTimedOut
		case r.asn == 64504 && w.rng.IntN(2) == 0: // another one, from the same bin on
			r.outcome, r.server = report.DNSFailed, ""
		}
	}
	all := w.play(newSeriesDetector(t, Thresholds{}), 0, 60)
	cleared := ofKind(all, model.Cleared)
	if len(ofKind(all, model.Opened)) != 2 || len(cleared) != 2 {
		dump(t, all)
		t.Fatal("want two incidents")
	}
	byNetwork := map[uint32]model.Incident{}
	for _, m := range cleared {
		if len(m.Incident.Scope.ASNs) == 1 {
			byNetwork[m.Incident.Scope.ASNs[0]] = m.Incident
		}
	}
	if i := byNetwork[64501]; i.Outcome != report.TCPTimedOut || !slices.Equal(i.Also, []report.Outcome{report.TCPReset}) {
		t.Errorf("%s and %v, want first a reset, at last a time-out, and both named", i.Outcome, i.Also)
	}
	if i := byNetwork[64504]; i.Outcome != report.DNSFailed || len(i.Also) != 0 {
		t.Errorf("%s and %v, want dns.failed alone", i.Outcome, i.Also)
	}
}

func TestProbesAddEvidence(t *testing.T) {
	for name, c := range map[string]struct {
		probes Probes
		want   string
	}{
		"the server is down":   {seen{server(4): true, server(5): false}, "probes find 1 of 1 server concerned down: 192.0.2.5:443"},
		"the server is up":     {seen{server(4): false}, "probes reach 1 server concerned: look at the path"},
		"nothing is known":     {seen{}, ""},
		"there are no probers": {nil, ""},
	} {
		w := newWorld(3)
		w.fault = func(bin int, r *request) {
			if bin >= 20 && r.server == server(4) {
				r.outcome = report.TCPRefused
			}
		}
		d := newSeriesDetector(t, Thresholds{})
		d.o.Probes = c.probes
		all := w.play(d, 0, 25)
		if len(all) == 0 {
			t.Fatalf("%s: nothing raised", name)
		}
		var evidence []string
		for _, s := range all[len(all)-1].Incident.Evidence {
			evidence = append(evidence, s.Text)
		}
		if c.want != "" && !slices.Contains(evidence, c.want) || c.want == "" && slices.ContainsFunc(evidence, func(s string) bool { return strings.Contains(s, "probes") }) {
			t.Errorf("%s: %q, want %q", name, evidence, c.want)
		}
	}
}

// seen are servers of which it is known whether they are down.
type seen map[string]bool

func (p seen) ServerDown(server string) (down, known bool) {
	down, known = p[server]
	return down, known
}

func TestRestoredIncidentGoesOn(t *testing.T) {
	first := newSeriesDetector(t, Thresholds{})
	var bins [][]model.Count
	var open model.Incident
	step := func(d *SeriesDetector, b int, cells []model.Count) (events []model.Event) {
		bins = append(bins, cells)
		return d.Step(binEnd(b), fold(cells))
	}
	for b := range 20 {
		n := 0
		if b >= 10 {
			n = 30
		}
		for _, e := range step(first, b, clientsBin(64501, 30, n)) {
			open = e.Incident
		}
	}
	if open.ID != 1 || !open.Open() {
		t.Fatalf("%+v", open)
	}
	for name, c := range map[string]struct {
		replay int // bins that are replayed, the newest
		after  func(bin int) []model.Count
		until  int // bin in which it is cleared
	}{
		"and is over":               {20, func(int) []model.Count { return clientsBin(64501, 30, 0) }, 22},
		"and goes on for a while":   {20, func(b int) []model.Count { return clientsBin(64501, 30, from(0, 30, 30)(b)) }, 32},
		"with nothing to learn":     {0, func(int) []model.Count { return clientsBin(64501, 30, 0) }, 22},
		"with only bad bins to see": {8, func(b int) []model.Count { return clientsBin(64501, 30, from(0, 30, 30)(b)) }, 32},
		"and nobody reports":        {0, func(int) []model.Count { return nil }, 79},
	} {
		t.Run(name, func(t *testing.T) {
			d := newSeriesDetector(t, Thresholds{})
			d.Restore([]model.Incident{open}, 7)
			for b := 20 - c.replay; b < 20; b++ {
				d.Replay(binEnd(b), fold(bins[b]))
			}
			var all []moment
			for b := 20; b < 90; b++ {
				for _, e := range d.Step(binEnd(b), fold(c.after(b))) {
					all = append(all, moment{b, e})
				}
			}
			cleared := ofKind(all, model.Cleared)
			if len(ofKind(all, model.Opened)) != 0 || len(cleared) != 1 || cleared[0].bin != c.until || cleared[0].Incident.ID != 1 {
				dump(t, all)
				t.Fatalf("want it cleared in bin %d and nothing opened", c.until)
			}
			if !cleared[0].Incident.Since.Equal(open.Since) {
				t.Errorf("since %v, was %v", cleared[0].Incident.Since, open.Since)
			}
		})
	}
}

func TestNextIncidentAfterRestoreHasANewID(t *testing.T) {
	d := newSeriesDetector(t, Thresholds{})
	d.Restore(nil, 7)
	for b := range 20 {
		n := 0
		if b >= 10 {
			n = 30
		}
		for _, e := range d.Step(binEnd(b), fold(clientsBin(64501, 30, n))) {
			if e.Incident.ID != 8 {
				t.Fatalf("id %d, want 8", e.Incident.ID)
			}
		}
	}
	if len(d.incidents) != 1 {
		t.Fatal("nothing opened")
	}
}

func TestWhatLastsForDaysBecomesNormal(t *testing.T) {
	d, err := NewSeriesDetector(SeriesOptions{Bin: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	var all []moment
	for b := range 400 {
		n := 0
		if b >= 50 {
			n = 30
		}
		for _, e := range d.Step(time.Unix(0, 0).Add(time.Duration(b)*time.Hour), fold(clientsBin(64501, 60, n))) {
			if e.Kind != model.Changed {
				all = append(all, moment{b, e})
			}
		}
	}
	if len(all) != 2 || all[0].Kind != model.Opened || all[1].Kind != model.Cleared || all[1].bin-all[0].bin < 72 {
		dump(t, all)
		t.Error("want one incident that ends after more than three days")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	d := newSeriesDetector(t, Thresholds{})
	for b := range 40 {
		var cells []model.Count
		for i := range 500 { // all names are invented
			o := report.Outcome("x" + string(rune('a'+i%26)) + string(rune('a'+b%26)) + string(rune('a'+i/26)))
			cells = append(cells, model.Count{Series: model.Series{App: "shop", Target: shop, Outcome: o, Server: server(i % 12), ASN: uint32(i), Country: "XA",
				Source: report.SourceAgent}, Client: uint64(i + 1), Raw: 1, Estimated: 1})
		}
		d.Step(binEnd(b), fold(cells))
	}
	for _, c := range d.populations {
		if len(c.groups) > maxOutcomes+1 {
			t.Errorf("%d groups", len(c.groups))
		}
	}
	before := d.series
	for b := 40; b < 40+2*halfLife+2*sweepBins; b++ {
		d.Step(binEnd(b), nil)
	}
	if d.values != 0 || d.series >= before && before > 0 {
		t.Errorf("%d values and %d of %d series are left after a long silence", d.values, d.series, before)
	}
}
