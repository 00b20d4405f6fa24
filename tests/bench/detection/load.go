package detection

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/tests/bench/measure"
)

// Load is what bins with very many series cost.
type Load struct {
	CPU, Step  []float64 // s per bin: all of it, and the step that judges
	Heap, Live float64   // bytes: at most in use, and at most after a collection
	Dropped    uint64
	Events     int
}

// RunLoad judges bins of 10 s in which each of many series has one row. A series is a network, a
// server, a target and an outcome; some fail, no more at one time than at another.
func RunLoad(ctx context.Context, series, bins int, o judgement.Options) (*Load, error) {
	judge, err := judgement.New(o)
	if err != nil {
		return nil, err
	}
	rows := loadRows(series)
	l := &Load{}
	rng := rand.New(rand.NewPCG(1, 2))
	now := int64(1_772_442_000_000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for bin := range bins {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		start, step := measure.CPU(), 0.0
		for second := range 10 {
			for i := second; i < len(rows); i += 10 {
				r := rows[i]
				r.At = now + int64(second)*1000 + rng.Int64N(1000) - 12_000
				r.Arrived = now + int64(second)*1000 + 999
				r.Client = rng.Uint64()
				judge.Add(r)
			}
			from := measure.CPU()
			l.Events += len(judge.Advance(now + int64(second+1)*1000))
			step += (measure.CPU() - from).Seconds()
		}
		now += 10_000
		if bin >= 10 { // the first ones meet every series for the first time
			l.CPU = append(l.CPU, (measure.CPU() - start).Seconds())
			l.Step = append(l.Step, step)
		}
		runtime.ReadMemStats(&after)
		l.Heap = max(l.Heap, float64(after.HeapInuse)-float64(before.HeapInuse))
		if bin%10 == 9 {
			runtime.GC()
			runtime.ReadMemStats(&after)
			l.Live = max(l.Live, float64(after.HeapAlloc)-float64(before.HeapAlloc))
		}
	}
	l.Dropped = judge.Stats().Dropped
	runtime.KeepAlive(rows)
	return l, nil
}

func loadRows(series int) []judgement.Row {
	rows := make([]judgement.Row, series)
	rng := rand.New(rand.NewPCG(3, 4))
	outcomes := []report.Outcome{report.OK, report.OK, report.OK, report.TCPTimedOut, report.HTTPError}
	for i := range rows {
		asn := uint32(64512 + i/100%1000)
		outcome := outcomes[i%len(outcomes)]
		r := judgement.Row{App: "shop", Version: "1.4.2", OS: "linux", Target: fmt.Sprintf("https://shop%d.example", i/100_000), Outcome: outcome,
			Protocol: "h2", Server: fmt.Sprintf("192.0.2.%d:443", i/5%20+1), Source: report.SourceAgent, ASN: asn, Country: fmt.Sprintf("X%c", 'A'+asn%26),
			Collector: "c1", Bucket: report.Bucket(1 + rng.IntN(4096)), Raw: 1, Estimated: 20}
		if outcome != report.OK {
			r.Estimated = 1
		}
		rows[i] = r
	}
	return rows
}
