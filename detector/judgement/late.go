package judgement

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Bounds on what is told late: rows that are kept, how far back, and how long after the last one an
// incident of the past is over.
const (
	maxLateHits = 8192
	lateKept    = 24 * time.Hour
	lateOver    = 5 * time.Minute
	lateGap     = 5 * time.Minute // without failures, between two faults of the past
)

// lateHits are failures that were told long after the fact. They raise nothing, but are never
// silent: they make or extend incidents of the past.
type lateHits struct {
	all   []hit // in the order of arrival
	fresh int   // those at the end that are not judged yet
}

// lateRow takes a row that comes long after the fact.
func (j *Judge) lateRow(r *Row) {
	j.stats.Late++
	if !r.Outcome.Failed() || r.Outcome == report.Abandoned || j.now-r.At > lateKept.Milliseconds() {
		return
	}
	if p := j.population(r, j.next); p != nil {
		j.lateHit(p, r)
	}
}

// lateHit keeps the failures of a row that comes late.
func (j *Judge) lateHit(p *population, r *Row) {
	out := j.outcome(r)
	count, _, kept := j.hear(p, out+1, r.At/j.width, r)
	if !kept || count == 0 {
		return
	}
	if len(j.late.all) >= maxLateHits {
		j.late.all = slices.Delete(j.late.all, 0, maxLateHits/8)
		j.dropped += maxLateHits / 8
	}
	j.late.all = append(j.late.all, hit{place: j.place(r), client: r.Client, at: r.At, raw: float32(r.Raw), count: uint8(count), bucket: r.Bucket, pop: p.index, out: out})
	j.late.fresh = min(j.late.fresh+1, len(j.late.all))
}

// past judges what was told late since the last bin.
func (t *turn) past() {
	l := &t.j.late
	if l.fresh == 0 || t.bin%spreadBins != 0 { // there is no hurry
		return
	}
	fresh := slices.Clone(l.all[len(l.all)-l.fresh:])
	slices.SortStableFunc(fresh, func(a, b hit) int { return cmp.Compare(b.at, a.at) })
	l.fresh = 0
	l.all = slices.DeleteFunc(l.all, func(h hit) bool { return t.end-h.at > lateKept.Milliseconds() })
	known := map[*incident]bool{}
	left := 0
	for k := range fresh {
		if i := t.lateOf(&fresh[k]); i != nil {
			known[i] = true
			i.excess += float64(fresh[k].count)
		} else {
			left++
		}
	}
	for _, i := range t.j.incidents {
		switch {
		case known[i] && i.late:
			t.lateMore(i)
		case known[i]:
			t.lateOnset(i)
		}
	}
	if left > 0 {
		t.lateCause(lateRequests)
		t.lateCause(lateDeliveries)
		t.lateCause(lateSlow)
	}
}

// lateOf is the incident that a failure of the past belongs to.
func (t *turn) lateOf(h *hit) *incident {
	for _, i := range t.j.incidents {
		from := i.onset - lateGap.Milliseconds()
		if i.holds(h) && h.at >= from && (i.until == 0 && !i.late || h.at <= max(i.until, i.lateUntil)+lateGap.Milliseconds()) {
			return i
		}
	}
	return nil
}

// lateMore extends an incident of the past by what came since.
func (t *turn) lateMore(i *incident) {
	t.lateSpan(i)
	i.until, i.calm, i.lastBad = 0, 0, t.bin
}

// lateOnset dates an incident back if clearly more was told late of the time before it than fails
// there anyhow, as when a network had to be back before anybody could tell.
func (t *turn) lateOnset(i *incident) {
	var before []*hit
	t.lateEach(func(h *hit, _ float64) {
		if i.holds(h) && h.at < i.onset && h.at >= i.onset-lateGap.Milliseconds() {
			before = append(before, h)
		}
	})
	slices.SortStableFunc(before, func(a, b *hit) int { return cmp.Compare(b.at, a.at) })
	e, x, onset := t.expected(i, 0)/cluster, 0.0, i.onset
	best := float64(goesOn)
	for _, h := range before {
		x += float64(h.count) / cluster
		if f := poisson(x, e*float64(onset-h.at+t.j.width)/float64(t.j.width)); f > best {
			best, i.onset = f, h.at
		}
	}
}

// lateSpan sets from when until when an incident of the past lasted.
func (t *turn) lateSpan(i *incident) {
	first := true
	t.lateEach(func(h *hit, _ float64) {
		if i.holds(h) {
			if first || h.at < i.onset {
				i.onset = h.at
			}
			i.lateUntil = max(i.lateUntil, h.at)
			first = false
		}
	})
	i.firstBin = i.onset / t.j.width
	i.from = i.firstBin
}

func (t *turn) lateEach(f func(h *hit, weight float64)) {
	for k := range t.j.late.all {
		f(&t.j.late.all[k], 1)
	}
}

// The kinds of hits of the past, which are looked at apart.
const (
	lateRequests   = iota
	lateDeliveries // failed deliveries: whoever is offline fails to deliver, too
	lateSlow       // slow requests, which count other things than failures
)

// lateCause looks for a fault in what no incident explains: in the latest stretch of time with
// failures of a kind that are not far apart.
func (t *turn) lateCause(kind int) {
	var hits []*hit
	for k := range t.j.late.all {
		if h := &t.j.late.all[k]; t.j.lateKind(h) == kind && t.lateOf(h) == nil {
			hits = append(hits, h)
		}
	}
	slices.SortStableFunc(hits, func(a, b *hit) int { return cmp.Compare(b.at, a.at) })
	for k := 1; k < len(hits); k++ {
		if hits[k-1].at-hits[k].at > lateGap.Milliseconds() {
			hits = hits[:k]
		}
	}
	if len(hits) == 0 { // incidents explain everything
		return
	}
	window := (hits[0].at-hits[len(hits)-1].at)/t.j.width + 1
	flows := map[flow]bool{}
	for _, h := range hits {
		flows[flow{h.pop, h.out}] = true
	}
	l := localiser{t: t, flows: flows, window: int(window)}
	l.each = func(f func(h *hit, weight float64)) {
		for _, h := range hits {
			f(h, 1)
		}
	}
	c := l.explain()
	i := &incident{flows: flows, scopes: c.scopes, share: c.share, part: c.part, found: t.bin, lastBad: t.bin, pace: followBins, late: true}
	x := 0.0
	for _, h := range hits {
		if i.holds(h) {
			x += float64(h.count)
		}
	}
	e := t.expected(i, 0) * float64(window)
	if x-e < t.j.o.Excess || surprise(x/cluster, e/cluster, priorShape) < t.j.o.Evidence+t.price(flows, &c.scopes[0]) || len(t.j.incidents) >= maxIncidents {
		return
	}
	if o := t.lateJoins(&c.scopes[0], flows, hits[len(hits)-1].at, hits[0].at); o != nil {
		maps.Copy(o.flows, flows)
		o.excess += x - e
		if o.late {
			t.lateMore(o)
		}
		return
	}
	t.j.lastID++
	i.id, i.excess = t.j.lastID, x-e
	t.lateSpan(i)
	t.j.incidents = append(t.j.incidents, i)
}

func (j *Judge) lateKind(h *hit) int {
	switch key := &j.order[h.pop].key; {
	case key.timed():
		return lateSlow
	case j.names.text(kindApp, key.app) == model.DeliveryApp:
		return lateDeliveries
	default:
		return lateRequests
	}
}

// lateJoins is the incident of the same scope and time as a fault of the past, perhaps of another
// target; nil if there is none.
func (t *turn) lateJoins(scope *cuboid, flows map[flow]bool, from, to int64) *incident {
	gap := lateGap.Milliseconds()
	for _, o := range t.j.incidents {
		same := len(o.flows) > 0 && o.scopes[0].equal(scope) && (!scope.everyone() || t.sharesTarget(o.flows, flows))
		ended := max(o.until, o.lateUntil)
		if same && to >= o.onset-gap && (!o.late && o.open() || from <= ended+gap) {
			return o
		}
	}
	return nil
}

// goesOn reports whether an incident of the past may not be over yet, so that what fails now is
// part of it.
func (t *turn) goesOn(i *incident) bool { return t.end-i.lateUntil <= 2*lateGap.Milliseconds() }

// followLate ends an incident of the past when nothing more is told of it.
func (t *turn) followLate(i *incident) {
	if t.bin-i.lastBad >= t.j.bins(lateOver) {
		i.calm = i.hold()
	}
}
