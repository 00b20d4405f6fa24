package collector

import (
	"cmp"
	"slices"

	"github.com/heliograph-net/heliograph/report"
)

// maxWindowCounters keeps a window below report.MaxRecord whatever its strings are.
const maxWindowCounters = 128

// windowKey tells the windows of one upload apart.
type windowKey struct {
	sampledPPM uint32
	back       uint64 // whole window lengths between the window's end and the upload
}

// windows counts reports by sampling fraction and by the time of their requests. A browser decides
// for each request whether to report it, with the fraction of its kind; so every fraction has
// windows of its own, which weigh accordingly. The segment is born at the upload: windows end
// before it. lengthMS is the policy's, which is never 0.
func windows(reports []nelReport, lengthMS uint64) []*report.Window {
	counters := make(map[windowKey][]report.Counter)
	for i := range reports {
		k := windowKey{reports[i].sampledPPM, reports[i].age / lengthMS}
		counters[k] = append(counters[k], reports[i].counter)
	}
	var all []*report.Window
	for k, cs := range counters {
		for chunk := range slices.Chunk(sum(cs), maxWindowCounters) {
			all = append(all, &report.Window{
				End: -int64(k.back * lengthMS), Length: lengthMS, SampledPPM: k.sampledPPM, Counters: chunk,
			})
		}
	}
	slices.SortStableFunc(all, func(a, b *report.Window) int {
		return cmp.Or(cmp.Compare(a.End, b.End), cmp.Compare(a.SampledPPM, b.SampledPPM), a.Counters[0].Compare(b.Counters[0]))
	})
	return all
}

// sum sorts counters and adds up those of one key.
func sum(cs []report.Counter) []report.Counter {
	slices.SortFunc(cs, report.Counter.Compare)
	out := cs[:0]
	for _, c := range cs {
		if n := len(out); n > 0 && out[n-1].Compare(c) == 0 {
			out[n-1].Count += c.Count
		} else {
			out = append(out, c)
		}
	}
	return out
}

// samples picks the first failed requests, at most as many as the policy lets ride along with a
// window, and none without the consent.
func samples(reports []nelReport, limit uint32, consent report.Consent) []*report.Sample {
	if consent < report.Diagnostics {
		return nil
	}
	var picked []*report.Sample
	for i := range reports {
		r := &reports[i]
		if uint32(len(picked)) >= limit {
			break
		}
		if !r.counter.Outcome.Failed() {
			continue
		}
		picked = append(picked, &report.Sample{
			At: -int64(r.age), URL: r.url, Method: r.method, Outcome: r.counter.Outcome, Phase: r.phase, Protocol: r.counter.Protocol,
			Server: r.counter.Server, Status: r.counter.Status, ElapsedMS: r.elapsed,
		})
	}
	return picked
}
