package judgement

import (
	"cmp"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

const (
	// suspicious is the evidence, in nats, at which a series is not learned for a while. It is far
	// below what an alarm takes, and chance alone reaches it in one window of some 3,000.
	suspicious = 8
	// how long a series that is suspicious, but raises no alarm, is kept from being learned
	doubtFor = 6 * time.Hour
	// how long an alarm is kept from being learned. Without an end, a release that turned some
	// requests into failures on purpose would be an incident for ever.
	relearnAfter = 72 * time.Hour
)

// alarm is a series that stands out beyond what chance and the number of places allow.
type alarm struct {
	finding
	surplus float64 // evidence beyond what an alarm takes
}

// step judges a bin.
func (j *Judge) step(bin int64) []Event {
	j.stats.Bins++
	j.failures.settle(j.width, j.o.Grace.Milliseconds())
	j.successes.settle(j.width, j.o.Grace.Milliseconds())
	j.browsers.settle(j.width, j.o.Grace.Milliseconds())
	for _, p := range j.order {
		p.tick(bin)
	}
	j.recent.of(bin)
	j.clients.firsts.settle(j.width, j.o.Grace.Milliseconds())
	t := turn{j: j, bin: bin, end: (bin + 1) * j.width}
	t.floods()
	t.follow()
	for t.found = 0; t.found < maxCauses; t.found++ {
		alarms := j.alarms(bin)
		if len(alarms) == 0 || !t.explain(alarms) {
			break
		}
	}
	t.inside()
	t.past()
	t.conclude()
	j.clean(bin)
	return t.events
}

// alarms are the series that stand out in a bin, as far as no open incident explains them, the
// strongest first.
func (j *Judge) alarms(bin int64) []alarm {
	var list []alarm
	j.epoch++
	moving := j.moving(bin)
	for _, d := range j.dirty {
		p := d.stream.pop
		if p.young(bin) || !p.knows(d.series, bin) || d.series.attribute == byCollector && moving {
			continue
		}
		x := d.series.counts(bin)
		f := d.stream.look(d.series, &x)
		if f.evidence >= suspicious || j.unproven(&f) {
			j.doubt(&f, bin)
		}
		if a, is := j.alarm(f, &x, bin); is {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b alarm) int {
		return cmp.Or(cmp.Compare(b.surplus, a.surplus), cmp.Compare(a.stream.pop.index, b.stream.pop.index), cmp.Compare(a.stream.outcome, b.stream.outcome),
			cmp.Compare(a.series.attribute, b.series.attribute), cmp.Compare(a.series.value, b.series.value))
	})
	return list
}

// moveFor is how long after a collector is back its clients are not where they were before.
const moveFor = 15 * time.Minute

// moving reports whether deliveries to a collector fail or did a while ago. Its clients go to the
// others then, with their failures at once and with their successes later, which says nothing about
// any collector.
func (j *Judge) moving(bin int64) bool {
	for _, i := range j.incidents {
		if i.late || !i.open() && bin-i.until/j.width > j.bins(moveFor) {
			continue
		}
		for f := range i.flows {
			if j.names.text(kindApp, j.order[f.pop].key.app) == model.DeliveryApp {
				return true
			}
		}
	}
	return false
}

// alarm decides whether a finding is an alarm once what incidents explain is taken away.
func (j *Judge) alarm(f finding, x *counts, bin int64) (alarm, bool) {
	need := j.o.Evidence + f.stream.pop.price(f.series.exposure)
	if f.evidence >= j.o.Evidence && f.evidence < 2*need {
		need -= j.wholly(&f, bin)
		need = max(need, j.o.Evidence)
	}
	if f.evidence < need || f.x-f.e < j.o.Excess {
		return alarm{}, false
	}
	need += j.looks.price(j, f.stream, bin)
	if part := j.unexplained(&f, x, bin); part < 1 {
		f = f.stream.look(f.series, x)
		// An incident explains its failures roughly, so what it leaves must be clear.
		need *= 2 - part
	}
	return alarm{f, f.evidence - need}, f.evidence >= need && f.x-f.e >= j.o.Excess
}

// unexplained takes from the counts of a finding's series what incidents explain, and returns the
// part that is left.
func (j *Judge) unexplained(f *finding, x *counts, bin int64) float64 {
	if len(j.incidents) == 0 {
		return 1
	}
	before, after := sum(x[:]), 0.0
	if j.covered(f, x, bin) { // the usual case in a large outage, where hits are many
		return sum(x[:]) / max(before, 1)
	}
	for w := range x {
		if x[w] == 0 {
			continue
		}
		j.recent.each(bin-int64(w), 1, func(h *hit, weight float64) {
			if f.holds(j, h) && j.explained(h, nil) {
				x[w] = max(x[w]-float64(h.count)*weight, 0)
			}
		})
	}
	after = sum(x[:])
	return after / max(before, 1)
}

// covered takes from counts what incidents explain whose scope holds all of a finding's series, and
// reports whether there are any.
func (j *Judge) covered(f *finding, x *counts, bin int64) (is bool) {
	s := f.series
	for _, i := range j.incidents {
		at, values := i.scopes[0].only()
		if i.late || i.scopes[0].mixed() || at != everyone && (at != s.attribute || !slices.Contains(values, s.value)) {
			continue
		}
		for fl := range i.flows {
			p := j.order[fl.pop]
			if !f.stream.pop.has(p) || f.stream.outcome != 0 && f.stream.outcome != fl.outcome || p.outcomes[fl.outcome] == nil {
				continue
			}
			o := p.outcomes[fl.outcome].series[s.attribute][s.value]
			if o == nil {
				continue
			}
			is = is || i.open()
			for w := range windows[len(windows)-1] {
				if b := bin - int64(w); i.open() || b*j.width < i.until+2*j.width {
					x[w] = max(x[w]-o.at(b), 0)
				}
			}
		}
	}
	return is
}

// explained reports whether a hit is part of an incident, other than own, that was open then.
func (j *Judge) explained(h *hit, own *incident) bool {
	if own != nil {
		return j.explainedBut(h, own)
	}
	if h.epoch != j.epoch { // asked for every series that stands out
		h.epoch, h.because = j.epoch, j.explainedBut(h, nil)
	}
	return h.because
}

func (j *Judge) explainedBut(h *hit, own *incident) bool {
	for _, i := range j.incidents {
		if i != own && !i.late && (i.open() || h.at < i.until+2*j.width) && i.holds(h) {
			return true
		}
	}
	return false
}

// holds reports whether a hit counts in the finding's series.
func (f *finding) holds(j *Judge, h *hit) bool {
	if f.stream.outcome != 0 && h.out != f.stream.outcome || f.series.attribute != everyone && h.place[f.series.attribute] != f.series.value {
		return false
	}
	return f.stream.pop.has(j.order[h.pop])
}

// unprovenTimes is how many times as much as elsewhere a new version must fail to prove nothing.
const unprovenTimes = 3

// unproven reports whether a version came after the others, fails far more, and has hardly a past
// of its own. Nobody knows then how often a version fails at most, so there may be no evidence for
// long; but to learn this as usual would hide a release that fails from its first request on.
func (j *Judge) unproven(f *finding) bool {
	s, p := f.series, f.stream.pop
	return s.attribute == byVersion && s.exposure.born-p.born > j.bins(youngValue) && s.a < f.stream.shape(byVersion) &&
		f.x >= unprovenTimes*f.e && f.x-f.e >= j.o.Excess
}

// doubt keeps a series from being learned while it is suspicious.
func (j *Judge) doubt(f *finding, bin int64) {
	s := f.series
	since := int64(0)
	if s.frozenTo >= bin-ringBins {
		since = bin - s.suspiciousFrom
	}
	limit := doubtFor
	if f.evidence >= j.o.Evidence {
		limit = relearnAfter
	}
	if since < j.bins(limit) {
		s.freeze(bin-int64(f.window)-spreadBins, bin+spreadBins)
	}
}

// clean forgets what has been judged.
func (j *Judge) clean(bin int64) {
	j.dirty = slices.DeleteFunc(j.dirty, func(d dirtySeries) bool {
		d.series.dirty = d.series.newest > bin
		return !d.series.dirty
	})
	if bin%j.bins(compareEvery) == 0 {
		for _, p := range j.order {
			p.any.compare()
			for _, st := range p.outcomes {
				st.compare()
			}
		}
	}
	if bin%j.bins(time.Hour) == 0 {
		j.names.forgetWaiting()
		j.forgetProbes()
		age := forgetAfter
		if 4*j.series > 3*j.o.MaxSeries || 4*j.exposures > 3*maxExposures {
			age = forgetSoon
		}
		for _, p := range j.order {
			before := bin - j.bins(age)
			p.sweep(before - j.fade.quiet.within(before, bin))
		}
	}
}
