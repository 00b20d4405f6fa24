package detector_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// proberHeader is what a prober's results stand below.
var proberHeader = &report.Header{Source: report.SourceProber, App: "heliograph-prober", Consent: report.Counts}

// probed are the results of one attempt at each of three servers, the last of which is down.
func probed(vantage string) *report.ProbeResults {
	p := &report.ProbeResults{Vantage: vantage, ASN: 64500, Version: "1"}
	for i, name := range []string{"web1", "web2", "web3"} {
		p.Targets = append(p.Targets, report.ProbeTarget{Name: name, Address: "192.0.2." + name[3:] + ":443", Kind: "http"})
		r := report.ProbeResult{Target: i, Judgement: report.JudgedUp, Outcome: report.OK, Family: 4, Status: 200,
			Steps: []report.ProbeStep{{Name: "connect", Micros: 1500}}}
		if name == "web3" {
			r.Judgement, r.Outcome, r.Status = report.JudgedDown, report.TCPRefused, 0
		}
		p.Results = append(p.Results, r)
	}
	return p
}

// servers checks what the detector's map says of each server.
func (b *bench) servers(want ...heatmap.State) {
	b.Helper()
	synctest.Wait()
	s := b.det.Servers().Snapshot()
	if s.Topology.Len() != len(want) {
		b.Fatalf("%d servers on the map, want %d", s.Topology.Len(), len(want))
	}
	for i := range want {
		if s.State(i) != want[i] {
			b.Errorf("%s is %v, want %v", s.Topology.Server(i).Name, s.State(i), want[i])
		}
	}
}

func (b *bench) results(q model.ProbeQuery) []model.ProbeResult {
	b.Helper()
	all, err := b.events.ProbeResults(b.Context(), q)
	if err != nil {
		b.Fatal(err)
	}
	return all
}

func TestProbesComeThroughAFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		b.servers()
		b.put(64500, report.Delivery{Age: 3000}, proberHeader, probed("v1"))
		b.put(64500, report.Delivery{}, proberHeader, probed("stranger"))
		time.Sleep(time.Second)
		b.servers(heatmap.Up, heatmap.Up, heatmap.Down)
		b.metric("unknown_vantage_results_total", 3)
		all := b.results(model.ProbeQuery{Target: "web3"})
		if len(all) != 1 || all[0].Vantage != "v1" || all[0].VantageASN != 64500 || all[0].Outcome != report.TCPRefused || len(all[0].Steps) != 1 {
			t.Fatalf("%+v, want the result of the vantage that is believed", all)
		}
		if age := time.Since(all[0].At); age != 4*time.Second {
			t.Errorf("the result is %v old, want 4 s", age)
		}
		b.stop()
		b.start()
		<-b.det.ServersKnown()
		if n := b.det.Servers().Topology().Len(); n != 3 {
			t.Errorf("%d servers are known, want the 3 that are stored", n)
		}
		time.Sleep(time.Second)
		b.servers(heatmap.Up, heatmap.Up, heatmap.Down) // from the store
		time.Sleep(3 * time.Minute)
		b.servers(heatmap.Unknown, heatmap.Unknown, heatmap.Unknown)
	})
}

func TestProbesOfThisProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		b.det.AddProbes(time.Now(), probed("local")) // who is in the process needs no name
		b.servers(heatmap.Up, heatmap.Up, heatmap.Down)
		if all := b.results(model.ProbeQuery{}); len(all) != 3 {
			t.Errorf("%d results are stored, want 3", len(all))
		}
		b.det.AddProbes(time.Now(), probed("local")) // just before the end
		b.stop()
		b.start()
		if all := b.results(model.ProbeQuery{}); len(all) != 6 {
			t.Errorf("%d results are stored, want 6", len(all))
		}
		b.metric("dropped_probe_results_total", 0)
	})
}

// A deletion that comes from one collector concerns what comes from the others, too.
func TestDeletedClientsLeaveNothingButSums(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer func() { b.stop() }()
		time.Sleep(time.Minute) // the bubble begins at midnight, and clients count anew every day
		since := time.Now().Add(-time.Minute)
		sample := &report.Sample{URL: shop + "/cart", Method: "GET", Outcome: report.TCPReset, Phase: report.PhaseConnection}
		for client := range uint64(2) {
			b.put(64501, report.Delivery{Age: 2000}, detector.ShopHeader(client+7), okWindow(), sample)
		}
		time.Sleep(time.Second)
		notice := &report.DeletionNotice{Clients: [][16]byte{detector.ShopHeader(7).Client}}
		b.put(64501, report.Delivery{}, &report.Header{Source: report.SourceAgent, App: "shop", Consent: report.Counts}, notice)
		time.Sleep(time.Second)
		// was on its way
		b.put(64501, report.Delivery{Age: 2000}, detector.ShopHeader(7), okWindow(), sample)
		time.Sleep(time.Second)
		if all, err := b.events.Samples(t.Context(), model.SampleQuery{}); err != nil || len(all) != 1 {
			t.Errorf("%d samples, %v; want the other client's", len(all), err)
		}
		if got := b.total(model.TotalsQuery{Since: since}); got.OK != 3 || got.Clients != 2 {
			t.Errorf("%+v, want all three requests of two clients", got)
		}
	})
}
