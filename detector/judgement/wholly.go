package judgement

import "math"

// Clients of a small network are too few to make many failures, and what is known of their usual
// requests is vague, because few reports of successes come from there. What speaks for a fault then
// is that whoever asks fails whatever it asks for.
const (
	whollyEach = 3 // failures in a row of a client that fails wholly
	// Of the clients that fail so often, no more are taken to fail wholly in calm: bad connections
	// lose some requests, and whoever has none at all cannot tell of it.
	whollyShare = 0.5
)

// wholly is the evidence, in nats, that every client of a finding's network fails at everything.
// There is none unless several sources do, and for some time.
func (j *Judge) wholly(f *finding, bin int64) float64 {
	if f.series.attribute != byASN || f.series.value == 0 {
		return 0
	}
	failed, sources := map[uint64]float64{}, map[source]bool{}
	first, last := bin, int64(0)
	j.recent.each(bin, f.window, func(h *hit, weight float64) {
		if f.holds(j, h) && !h.ok {
			failed[h.client] += float64(h.raw) * weight
			sources[h.source()] = true
			first, last = min(first, h.at/j.width), max(last, h.at/j.width)
		}
	})
	whole := 0
	for client, n := range failed {
		if n >= whollyEach && j.clients.wholly(client) {
			whole++
		}
	}
	if len(sources) < fewLeast || last-first < j.bins(fewFor) || float64(whole) < fewShare*float64(len(failed)) {
		return 0
	}
	return float64(whole) * -math.Log(whollyShare)
}
