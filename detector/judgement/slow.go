package judgement

import (
	"maps"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Requests that succeed may be slow. Of the requests whose durations are known there is a
// population beside that of all requests, in which those beyond the limit of its timing are the
// failures. It is judged and localised like any other. It has no parent: what is slow at one target
// is fast at another.
//
// Durations come when windows end, a minute after the fact, and all at once. So their bin is that
// of their arrival: it is complete, and the share of those that are slow is right in each bin.

// timed takes a row that says how long requests took.
func (j *Judge) timed(r *Row) {
	p, t := j.timing(r)
	if t == nil {
		return
	}
	h := *r.Took
	if len(h) == 0 { // the row's outcome says it
		t.worded = true
		h = report.Histogram{{Count: r.Raw}}
		if r.Outcome == model.Slow {
			h[0].Index = report.HistogramBuckets - 1
		}
	}
	total := h.Total()
	if total == 0 || total > r.Raw {
		return
	}
	late := r.Arrived-r.At >= lateAfter.Milliseconds()
	if !late && !t.keeps(r, mix(j.o.Seed, 3, r.Client, uint64(r.At))) {
		return
	}
	bin := r.Arrived / j.width
	if !late && !j.slowNow(p, t, bin) {
		t.learn(h)
		t.review(j.hourOf(bin), bin-t.born >= j.bins(slowAfter))
	}
	if t.limit == 0 {
		return
	}
	slow := t.slow(h)
	r.Raw, slow = min(total, slowRow), slow*min(total, slowRow)/total
	r.Outcome, r.Estimated = report.OK, float64(r.Raw)
	if p == nil {
		if late || len(j.pops) >= maxPopulations {
			return
		}
		p = j.newTimed(r, bin)
	}
	if late {
		if r.Raw = slow; slow > 0 {
			r.Outcome = model.Slow
			j.lateHit(p, r)
		}
		return
	}
	r.At = r.Arrived
	at := j.place(r)
	j.expose(p, bin, &at, r)
	if slow > 0 {
		r.Outcome, r.Raw = model.Slow, slow
		j.fail(p, bin, &at, r)
	}
}

// timing finds or makes what is known of the durations of a row's requests, and its population if
// there is one. It returns nil when the row's own words are not known to enough sources.
func (j *Judge) timing(r *Row) (*population, *timing) {
	who := source{r.ASN, r.Bucket}
	key := populationKey{j.names.admit(kindApp, r.App, who), j.names.admit(kindTarget, r.Target, who), r.Source | timedSource}
	if key.app == 0 || key.target == 0 {
		return nil, nil
	}
	t := j.timings[key]
	if t == nil {
		if len(j.timings) >= maxPopulations {
			j.dropped++
			return nil, nil
		}
		t = &timing{born: r.Arrived / j.width, hour: j.hourOf(r.Arrived / j.width)}
		j.timings[key] = t
	}
	if within := j.o.Within(r.Target); within != t.within { // the objective was changed
		t.within, t.limit = within, 0
	}
	return j.pops[key], t
}

// newTimed makes the population of a row's timed requests.
func (j *Judge) newTimed(r *Row, bin int64) *population {
	if j.names.ids[kindOutcome][string(model.Slow)] == 0 {
		j.names.add(kindOutcome, string(model.Slow))
	}
	key := populationKey{j.names.ids[kindApp][r.App], j.names.ids[kindTarget][r.Target], r.Source | timedSource}
	p := j.newPopulation(key, nil, bin)
	j.pops[key] = p
	return p
}

// slowNow reports whether an incident says that a population is slow, so that nothing is learned.
func (j *Judge) slowNow(p *population, t *timing, bin int64) bool {
	if p == nil {
		return false
	}
	if t.heldIn != bin {
		t.heldIn = bin
		t.held = slices.ContainsFunc(j.incidents, func(i *incident) bool {
			return i.open() && !i.late && slices.ContainsFunc(slices.Collect(maps.Keys(i.flows)), func(f flow) bool { return f.pop == p.index })
		})
	}
	return t.held
}

// slowness is what the words of an incident need that is about slow requests.
type slowness struct {
	limit time.Duration // beyond which requests are slow; 0 if unknown
	usual float64       // share of the requests that are, from 0 to 1
}

// slowness returns what is slow in an incident of which most of what was measured is;
// otherwise nil.
func (t *turn) slowness(i *incident, m *numbers) *slowness {
	if x := m.byOutcome[t.j.names.ids[kindOutcome][string(model.Slow)]]; x == 0 || x < m.counted/2 {
		return nil
	}
	for _, f := range slices.SortedFunc(maps.Keys(i.flows), compareFlows) {
		if p := t.j.order[f.pop]; p.key.timed() {
			x := t.j.timings[p.key]
			return &slowness{x.bound(), x.usual}
		}
	}
	return nil
}

// mainOf returns an incident with either its failures or its slow requests, since the two count
// different things: with the failures, unless they are few beside what is slow.
func (t *turn) mainOf(i *incident, each func(func(h *hit, weight float64))) *incident {
	slow, failed := map[flow]bool{}, map[flow]bool{}
	for f := range i.flows {
		if t.j.order[f.pop].key.timed() {
			slow[f] = true
		} else {
			failed[f] = true
		}
	}
	if len(slow) == 0 || len(failed) == 0 {
		return i
	}
	x := map[bool]float64{}
	each(func(h *hit, weight float64) {
		if i.holds(h) {
			x[t.j.order[h.pop].key.timed()] += float64(h.count) * weight
		}
	})
	main := *i
	if main.flows = failed; x[false] < x[true]/2 {
		main.flows = slow
	}
	return &main
}

// shifted reports whether enough more requests are slow than usual that people would notice.
func (s *slowness) shifted(m *numbers) bool { return m.failed/max(m.requests, 1)-s.usual >= slowShift }
