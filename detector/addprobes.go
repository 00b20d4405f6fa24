package detector

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// maxProbesQueue is how many calls of AddProbes may wait for the store.
const maxProbesQueue = 1024

// AddProbes adds the results of a prober in this process, whose At is relative to at. The Detector
// owns r, which must be valid. The map shows the results at once. They are stored while Run works;
// if the store is too slow, they are dropped and counted. AddProbes does not block and is safe for
// concurrent use.
func (d *Detector) AddProbes(at time.Time, r *report.ProbeResults) {
	results := probeResults(r, func(ms int64) time.Time { return at.Add(time.Duration(ms) * time.Millisecond) })
	d.probes.take(results, time.Now())
	d.witnesses.add(results)
	select {
	case d.added <- results:
	default:
		d.metrics.probeDrops.Add(float64(len(results)))
	}
}

// ExpectProbes adds the targets of a prober in this process to the map. They are unknown until
// their first results come. It is safe for concurrent use.
func (d *Detector) ExpectProbes(targets []model.ProbeTarget) { d.probes.expect(targets, time.Now()) }

// storeProbes stores the results that AddProbes was given. When ctx ends, it stores those that
// still wait.
func (d *Detector) storeProbes(ctx context.Context) {
	for {
		select {
		case results := <-d.added:
			d.storeAdded(ctx, results)
		case <-ctx.Done():
			d.storeAdded(context.WithoutCancel(ctx), nil)
			return
		}
	}
}

// storeAdded stores results and all others that wait. If ctx cannot end, it tries only once.
func (d *Detector) storeAdded(ctx context.Context, results []model.ProbeResult) {
	for waiting := true; waiting; {
		select {
		case more := <-d.added:
			results = append(results, more...)
		default:
			waiting = false
		}
	}
	if len(results) == 0 {
		return
	}
	store := func(ctx context.Context) error { return d.o.Events.AddProbes(ctx, results) }
	if ctx.Done() != nil && d.retry(ctx, "probes", d.o.Logger, store) {
		return
	}
	if err := store(context.WithoutCancel(ctx)); err != nil {
		d.metrics.probeDrops.Add(float64(len(results)))
		d.o.Logger.Error("results of probes are lost", "results", len(results), "error", err)
	}
}

// probeResults returns the results of a record. at returns the time that is a number of
// milliseconds after the birth of the record's segment.
func probeResults(p *report.ProbeResults, at func(ms int64) time.Time) []model.ProbeResult {
	all := make([]model.ProbeResult, len(p.Results))
	for i := range p.Results {
		r := &p.Results[i]
		var steps []model.ProbeStep
		for _, s := range r.Steps {
			steps = append(steps, model.ProbeStep{Name: s.Name, Took: time.Duration(s.Micros) * time.Microsecond})
		}
		all[i] = model.ProbeResult{
			Vantage: p.Vantage, VantageASN: p.ASN, Target: model.ProbeTarget(p.Targets[r.Target]), At: at(r.At), Judgement: r.Judgement,
			Outcome: r.Outcome, Steps: steps, Family: r.Family, Server: r.Server, Protocol: r.Protocol, Status: r.Status, Version: p.Version,
		}
	}
	return all
}
