package collector

import (
	"cmp"
	"slices"

	"github.com/heliograph-net/heliograph/report"
)

// maxWindowCounters limits the counters of a window so that it is never longer than
// report.MaxRecord.
const maxWindowCounters = 128

// windowKey identifies one of the windows of an upload.
type windowKey struct {
	sampledPPM uint32
	back       uint64 // whole window lengths between the window's end and the upload
}

// windows counts reports by sampling fraction and by the time of their requests. A browser decides
// for each request at random whether to report it, so each fraction has its own windows with the
// corresponding weight. The segment's birth is the time of the upload, so all windows end before
// it. lengthMS is the policy's window length, which is never 0.
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

// sum sorts counters and adds up those with the same key.
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

// samples returns the first failed requests, at most as many as the policy allows for a window, and
// none if consent does not allow them.
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
