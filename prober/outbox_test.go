package prober

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

// receiver takes what a prober delivers, and holds it to the rules of a record.
type receiver struct {
	t  *testing.T
	mu sync.Mutex
	at []time.Time
	// every record, and each of its results by the name of its target
	records []*report.ProbeResults
	results map[string][]report.ProbeResult
}

func (r *receiver) take(at time.Time, p *report.ProbeResults) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := report.AppendRecord(nil, p); err != nil && !errors.Is(err, report.ErrTooLarge) {
		r.t.Errorf("a record breaks a rule: %v", err)
	}
	r.at, r.records = append(r.at, at), append(r.records, p)
	if r.results == nil {
		r.results = map[string][]report.ProbeResult{}
	}
	for _, result := range p.Results {
		name := p.Targets[result.Target].Name
		r.results[name] = append(r.results[name], result)
	}
}

// count is how many records and results came so far.
func (r *receiver) count() (records, results int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.records {
		results += len(p.Results)
	}
	return len(r.records), results
}

func TestDeliverGathersWhatIsNotNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, targets := fakes(100)
		targets[7].DataCentre, targets[7].Cluster, targets[7].Row = "d", "c", "r"
		r := &receiver{t: t}
		_, stop := run(t, Options{
			Targets: targets, Interval: 10 * time.Second, Vantage: "fra", ASN: 64501, Version: "1", Deliver: r.take,
		})
		after(30*time.Second + time.Millisecond)
		if records, results := r.count(); records != 1 || results < 300 {
			t.Errorf("%d records of %d results after half a minute of calm, want one", records, results)
		}
		after(10 * time.Second)
		stop()
		records, results := r.count()
		if records != 2 || results != 401 {
			t.Errorf("%d records of %d results at the end, want two of all", records, results)
		}
		first := r.records[0]
		if first.Vantage != "fra" || first.ASN != 64501 || first.Version != "1" || len(first.Targets) != 100 {
			t.Errorf("%+v", first)
		}
		want := report.ProbeTarget{Name: "s7", Kind: "custom", DataCentre: "d", Cluster: "c", Row: "r"}
		got := first.Targets[first.Results[len(first.Results)-1].Target]
		for _, target := range first.Targets {
			if target.Name == "s7" {
				got = target
			}
		}
		if got != want {
			t.Errorf("target %+v, want %+v", got, want)
		}
		if s0 := r.results["s0"][0]; s0.At != -30_000 || s0.Judgement != report.JudgedUp || s0.Steps[0].Name != "connect" {
			t.Errorf("the first result is %+v", s0)
		}
	})
}

// A failure is told within a second, and so is its end; a server that stays down is no news.
func TestDeliverTellsNewsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, targets := fakes(3)
		r := &receiver{t: t}
		_, stop := run(t, Options{
			Targets: targets, Interval: 10 * time.Second, RetryInterval: 2 * time.Second, DownAfter: 3,
			Hold: time.Hour, Vantage: "fra", Deliver: r.take,
		})
		defer stop()
		after(35 * time.Second)
		if records, _ := r.count(); records != 0 {
			t.Fatalf("%d records in calm", records)
		}
		all[0].becomes(report.TCPRefused) // fails at 40, at once again, at 42 and 44
		after(6500 * time.Millisecond)
		if records, _ := r.count(); records != 1 {
			t.Errorf("%d records 1.5 s after a failure, want 1", records)
		}
		after(10 * time.Second)
		var judged []report.Judgement
		for _, result := range r.results["s0"] {
			if result.Outcome == report.TCPRefused {
				judged = append(judged, result.Judgement)
			}
		}
		if got := fmt.Sprint(judged); got != "[up up up down]" {
			t.Errorf("failures are judged %s", got)
		}
		before, _ := r.count()
		after(time.Minute)
		if records, _ := r.count(); records != before {
			t.Errorf("%d records of a server that stays down", records-before)
		}
		all[0].becomes(report.OK)
		after(11 * time.Second)
		last := r.results["s0"][len(r.results["s0"])-1]
		if last.Judgement != report.JudgedUp || last.Outcome != report.OK {
			t.Errorf("the last result is %+v", last)
		}
	})
}

func TestDeliverSaysWhatIsInconclusive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, targets := fakes(3)
		all[0].err = errors.New("no descriptors")
		all[1].becomes(report.TCPReset) // fails before it was ever up
		r := &receiver{t: t}
		_, stop := run(t, Options{Targets: targets[:2], Interval: 10 * time.Second, DownAfter: 2, Vantage: "v", Deliver: r.take})
		after(9 * time.Second)
		stop()
		if got := r.results["s0"][0]; got.Judgement != report.JudgedInconclusive || got.Outcome != report.OK {
			t.Errorf("an attempt that could not be made is %+v", got)
		}
		if got := r.results["s1"]; got[1].Judgement != report.JudgedInconclusive || got[2].Judgement != report.JudgedDown {
			t.Errorf("failures from the start are %+v", got)
		}
	})
}

// A program's own probe may exceed what a record holds; its results still come.
func TestDeliverKeepsToTheLimitsOfARecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		long := strings.Repeat("ü", report.MaxString)
		wild := func(context.Context) (probe.Result, error) {
			return probe.Result{
				Outcome: "NO OUTCOME", Server: long, Protocol: "\xff", Status: 1000,
				Steps: append(make([]probe.Step, report.MaxProbeSteps), probe.Step{Name: long, Duration: -1}),
			}, nil
		}
		r := &receiver{t: t}
		_, stop := run(t, Options{
			Targets: []Target{{Name: "a", Spec: probe.Custom{Name: "wild", Func: wild}}}, Vantage: "v", Deliver: r.take,
		})
		after(time.Second)
		stop()
		got := r.results["a"]
		if len(got) == 0 || got[0].Outcome != report.Unknown || len(got[0].Steps) != report.MaxProbeSteps {
			t.Errorf("%+v", got)
		}
	})
}

func TestManyResultsAreDeliveredEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, targets := fakes(50)
		r := &receiver{t: t}
		_, stop := run(t, Options{Targets: targets, Interval: time.Second, Hold: time.Hour, Vantage: "v", Deliver: r.take})
		after(100 * time.Second)
		stop()
		for _, p := range r.records {
			if len(p.Results) > report.MaxProbeResults {
				t.Errorf("a record of %d results", len(p.Results))
			}
		}
		if records, results := r.count(); records != 2 || results != 5000 && results != 5001 {
			t.Errorf("%d records of %d results", records, results)
		}
	})
}

func TestDeliverNeedsNamesThatFit(t *testing.T) {
	_, targets := fakes(1)
	long := strings.Repeat("x", report.MaxString+1)
	targets[0].Row = long
	for want, o := range map[string]Options{
		"vantage: missing":    {Deliver: func(time.Time, *report.ProbeResults) {}},
		"vantage: want":       {Vantage: long},
		"version: want":       {Version: "\xff"},
		"longer than 256":     {Vantage: "v", Deliver: func(time.Time, *report.ProbeResults) {}, Targets: targets},
		"hold -1ns: must":     {Hold: -1},
		"spec: missing":       {Targets: []Target{{Name: "a"}}},
		"func: missing; say ": {Targets: []Target{{Name: "a", Spec: probe.Custom{}}}},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestFamily(t *testing.T) {
	for server, want := range map[string]uint8{"192.0.2.1:443": 4, "[2001:db8::1]:443": 6, "shop.example:443": 0, "": 0} {
		if got := probe.Family(server); got != want {
			t.Errorf("%q is of family %d, want %d", server, got, want)
		}
	}
}
