package live

import (
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/simulate"
)

// unsealed returns the records of a batch, opened.
func unsealed(t *testing.T, b *batch) (header *report.Header, window *report.Window, durations *report.Durations) {
	t.Helper()
	key, err := seal.GenerateOpenKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.seal(key.SealKey()); err != nil {
		t.Fatal(err)
	}
	info, records, err := seal.NewKeyring(key).Open(b.segment)
	if err != nil || info.ID != b.id {
		t.Fatal(info, err)
	}
	for _, text := range records {
		r, err := report.DecodeRecord(text)
		if err != nil {
			t.Fatal(err)
		}
		switch r := r.(type) {
		case *report.Header:
			header = r
		case *report.Window:
			window = r
		case *report.Durations:
			durations = r
		}
	}
	return header, window, durations
}

// A window on the wire has the rows' counts. Slow requests are successes that took long.
func TestWindowOnTheWire(t *testing.T) {
	row := func(o report.Outcome, status uint16, raw uint64, weight float64) simulate.Row {
		return simulate.Row{App: "shop", Version: "1.2", OS: "ios", Target: "https://shop.example", Outcome: o, Protocol: "h2", Status: status, Server: "192.0.2.1:443",
			Source: report.SourceAgent, Client: 42, Raw: raw, Estimated: float64(raw) * weight}
	}
	b := &batch{birth: time.Now(), length: 60_000, timed: true, rows: []simulate.Row{row(model.Slow, 200, 2, 20), row(report.OK, 200, 3, 20), row(report.TCPReset, 0, 1, 20)}}
	h, w, d := unsealed(t, b)
	if h.App != "shop" || h.Version != "1.2" || h.OS != "ios" || h.Source != report.SourceAgent || h.Client[7] != 42 || b.requests != 6 || b.estimated != 120 || b.counters != 2 {
		t.Errorf("%+v, %d requests", h, b.requests)
	}
	if len(w.Counters) != 2 || w.SampledPPM != 50_000 || w.Length != 60_000 || w.End != 0 || w.Counters[0].Outcome != report.OK || w.Counters[0].Count != 5 || w.Counters[1].Count != 1 {
		t.Errorf("%+v", w)
	}
	if len(d.Histograms) != 1 || len(d.Histograms[0]) != 2 || d.Histograms[0][0].Count != 3 || d.Histograms[0][1].Count != 2 || report.HistogramBound(d.Histograms[0][1].Index) < 2*time.Second {
		t.Errorf("%+v", d)
	}
}

// Nobody tells how long requests took in a scenario without slow ones, or if all have failed.
func TestNoDurations(t *testing.T) {
	failed := simulate.Row{App: "shop", Target: "https://shop.example", Outcome: report.TCPReset, Source: report.SourceAgent, Client: 1, Raw: 1, Estimated: 1}
	for _, timed := range []bool{false, true} {
		if _, w, d := unsealed(t, &batch{birth: time.Now(), length: 1, timed: timed, rows: []simulate.Row{failed}}); d != nil || w.SampledPPM != report.FullPPM {
			t.Errorf("%+v, %+v", w, d)
		}
	}
}

// Vantages judge that a server is down after the second failure in a row.
func TestVantages(t *testing.T) {
	p := newProber()
	probe := func(at int64, server string, o report.Outcome) {
		p.add(simulate.Probe{At: at, Vantage: "v2", VantageASN: 64497, Server: server, Outcome: o})
	}
	probe(1000, "192.0.2.2:443", report.TCPRefused)
	probe(1100, "192.0.2.1:443", report.OK)
	probe(1200, "192.0.2.2:443", report.TCPRefused)
	probe(1300, "192.0.2.2:443", report.OK)
	all := p.take(2000)
	if len(all) != 1 || all[0].from != simulate.VantageAddress(1).String() || all[0].header.Source != report.SourceProber {
		t.Fatalf("%+v", all)
	}
	r := all[0].records[0].(*report.ProbeResults)
	var judged []report.Judgement
	for _, result := range r.Results {
		judged = append(judged, result.Judgement)
	}
	if _, err := report.AppendRecord(nil, r); err != nil || r.Vantage != "v2" || r.ASN != 64497 || len(r.Targets) != 2 || r.Results[0].At != -1000 ||
		judged[0] != report.JudgedUp || judged[2] != report.JudgedDown || judged[3] != report.JudgedUp {
		t.Errorf("%v, %+v", err, r)
	}
	if again := p.take(3000); len(again) != 0 {
		t.Errorf("%+v", again)
	}
}
