package judgement

import (
	"maps"
	"math"
	"slices"
	"time"
)

// Times of an incident's life.
const (
	followBins  = 6               // over which it is asked whether it goes on
	goesOn      = 4               // evidence, in nats, that it does
	paceCount   = 10              // failures that are waited for until it may be over
	reopenFor   = time.Hour       // after which the same fault is a new incident
	togetherFor = 5 * time.Minute // causes with onsets so close together may be one
	togetherAll = 2 * time.Minute // likewise, of different targets
	// by how much more calm it takes at most to clear a fault that flaps
	holdMost     = 32
	maxIncidents = 500 // that are remembered
	onsetBefore  = 3   // bins before the first alarm's window that may belong to it
	twinBins     = 3   // by which the onsets of one fault's parts differ
	liesMost     = 0.9 // of the failures, by which one scope lies in another
	liesLeast    = 0.5 // of the requests, from which on that says nothing
	keptOften    = 3   // reviews in a row, after which a scope is known
)

// incident is what is known of one fault.
type incident struct {
	id     ID
	flows  map[flow]bool
	scopes []cuboid // ranked
	share  float64
	part   float64 // of the expected failures of the flows that lies in scopes[0]
	margin float64 // see cause
	more   float64
	kept   int // reviews in a row that found scopes[0] again

	onset    int64 // Unix ms
	firstBin int64 // of the onset
	inside   ID    // of the wider incident that it was found inside of; 0: none
	from     int64 // the bin from which on it fails this time: firstBin, or later if it opened again
	found    int64 // the bin in which it was found or opened again
	lastBad  int64 // bin
	until    int64 // Unix ms, 0: open
	calm     int64 // bins since it stopped to stand out
	pace     int64 // bins over which it is asked whether it goes on
	reopened int
	excess   float64 // since the onset
	before   float64 // of the excess, what came before it opened again

	late      bool  // of the past
	lateUntil int64 // Unix ms, when it was over

	flood     *flood // what a machine sends that says far too much; nil: none
	floodSeen int64  // the bin in which it did last

	pending     cuboid // a scope that may replace scopes[0] if it is found again
	pendingSeen int

	worst numbers
	lacks Doubt    // when it was described last; no why if it is credible
	told  Incident // what was told last; its ID is 0 before
	tells int
	later int64 // the bin before which nothing but a page is told
}

func (i *incident) open() bool { return i.until == 0 }

func (i *incident) holds(h *hit) bool {
	return i.flows[flow{h.pop, h.out}] && i.scopes[0].holds(&h.place)
}

// turn is the judgement of one bin.
type turn struct {
	j      *Judge
	bin    int64
	end    int64 // of the bin in Unix ms
	found  int
	events []Event
}

// explain finds the cause of the strongest alarm and gives it to an incident. It reports whether
// that changed anything.
func (t *turn) explain(alarms []alarm) bool {
	a := &alarms[0]
	flows := t.flowsOf(a)
	if len(flows) == 0 {
		return false
	}
	c := t.localise(flows, max(a.window, 2), nil)
	if c.evidence < t.j.o.Evidence { // nothing explains the alarm better than itself
		var own cuboid
		if a.series.attribute != everyone {
			own[a.series.attribute] = []uint32{a.series.value}
		}
		c.scopes, c.part, c.margin, c.more = []cuboid{own}, t.product(flows, &own), 0, 0
	}
	if t.adopt(&c) {
		return true
	}
	i := &incident{flows: c.flows, scopes: c.scopes, share: c.share, part: c.part, margin: c.margin, more: c.more, found: t.bin, lastBad: t.bin, pace: followBins}
	t.date(i, int64(a.window))
	c.began = i.firstBin
	if i := t.related(&c); i != nil {
		return t.merge(i, &c)
	}
	if len(t.j.incidents) >= maxIncidents {
		t.j.dropped++
		return false
	}
	t.j.lastID++
	i.id = t.j.lastID
	t.j.incidents = append(t.j.incidents, i)
	return true
}

// related finds the incident that a cause belongs to, open ones first, the newest first.
func (t *turn) related(c *cause) *incident {
	c.hits = t.hitsOf(c.flows, &c.scopes[0], c.window)
	for _, open := range []bool{true, false} {
		for _, i := range slices.Backward(t.j.incidents) {
			if i.open() == open && (!i.late || t.goesOn(i)) && t.same(i, c) {
				return i
			}
		}
	}
	return nil
}

// same reports whether a cause is the fault that an incident is about.
func (t *turn) same(i *incident, c *cause) bool {
	mine, other := &i.scopes[0], &c.scopes[0]
	if len(i.flows) == 0 {
		return false
	}
	if t.around(i) != nil { // what fails around it belongs there
		return other.within(mine)
	}
	near := func(d time.Duration) bool {
		began := max(c.began-i.from, i.from-c.began)
		return i.open() && min(t.bin-int64(c.window)-i.from, 2*began) <= t.j.bins(d)
	}
	shared := t.sharesTarget(i.flows, c.flows)
	// the same kind of failure began at the same time, of whatever target
	twin := i.open() && max(c.began-i.from, i.from-c.began) <= twinBins && sharesOutcome(i.flows, c.flows)
	if shared && (t.lies(c.hits, mine, c.flows) || i.open() && t.lies(t.hitsOf(i.flows, mine, c.window), other, i.flows)) {
		return true
	}
	switch {
	case mine.equal(other):
		return shared || !mine.everyone() || near(togetherAll)
	case mine.everyone(), other.everyone():
		return shared && near(togetherFor) || twin
	case other.within(mine):
		return true
	case mine.within(other):
		return shared || near(togetherFor)
	// what was taken for innocent is hit, too
	case i.open() && mine.besides(other) && sharesFlow(i.flows, c.flows):
		return true
	case t.distinct(i, other):
		return false
	case mine.overlaps(other) || mine.likes(other): // children of one fault
		return near(togetherFor) && sharesFlow(i.flows, c.flows) || twin
	default:
		return false
	}
}

// lies reports whether those who are hit lie in a scope, as the clients of a network do in the
// country that most of them are in: nearly all failures are within, which few requests of the flows
// are.
func (t *turn) lies(hits []*hit, in *cuboid, flows map[flow]bool) bool {
	if len(hits) == 0 || in.everyone() || t.product(flows, in) >= liesLeast {
		return false
	}
	both := 0
	for _, h := range hits {
		if in.holds(&h.place) {
			both++
		}
	}
	return float64(both) >= liesMost*float64(len(hits))
}

// hitsOf are the failures of some flows within a scope in the last bins.
func (t *turn) hitsOf(flows map[flow]bool, scope *cuboid, window int) (hits []*hit) {
	t.j.recent.each(t.bin, max(window, followBins), func(h *hit, _ float64) {
		if h.count > 0 && scope.holds(&h.place) && flows[flow{h.pop, h.out}] {
			hits = append(hits, h)
		}
	})
	return hits
}

// distinct reports whether what an open incident does not explain is another fault that began with
// it: each names one other attribute, such as a network and a server, the incident's scope has been
// known for a while, and all the same what lies outside of it fails. A part of one fault would have
// joined its scope by then.
func (t *turn) distinct(i *incident, other *cuboid) bool {
	mine := &i.scopes[0]
	if !i.open() || mine.mixed() || other.mixed() || mine.everyone() || other.everyone() || mine.likes(other) {
		return false
	}
	return i.told.ID != 0 && i.kept >= keptOften && t.bin-i.from >= t.j.bins(togetherAll)
}

// within reports whether all places of c lie in o.
func (c *cuboid) within(o *cuboid) bool {
	for a := range o {
		if len(o[a]) == 0 {
			continue
		}
		if len(c[a]) == 0 || slices.ContainsFunc(c[a], func(v uint32) bool { return !slices.Contains(o[a], v) }) {
			return false
		}
	}
	return true
}

// besides reports whether two cuboids of several attributes name the same values of all but one.
func (c *cuboid) besides(o *cuboid) bool {
	differ, equal := 0, 0
	for a := range c {
		switch {
		case !slices.Equal(c[a], o[a]):
			differ++
		case len(c[a]) > 0:
			equal++
		}
	}
	return differ == 1 && equal > 0
}

// likes reports whether both cuboids name values of one attribute.
func (c *cuboid) likes(o *cuboid) bool {
	for a := range c {
		if len(c[a]) > 0 && len(o[a]) > 0 {
			return true
		}
	}
	return false
}

// sharesTarget reports whether two causes are about requests to the same target.
func (t *turn) sharesTarget(a, b map[flow]bool) bool {
	for f := range a {
		for g := range b {
			x, y := t.j.order[f.pop].key, t.j.order[g.pop].key
			if x.app == y.app && x.target == y.target {
				return true
			}
		}
	}
	return false
}

func sharesOutcome(a, b map[flow]bool) bool {
	for f := range a {
		for g := range b {
			if f.outcome == g.outcome {
				return true
			}
		}
	}
	return false
}

func sharesFlow(a, b map[flow]bool) bool {
	for f := range a {
		if b[f] {
			return true
		}
	}
	return false
}

// merge makes a cause part of an incident, which it opens again if need be.
func (t *turn) merge(i *incident, c *cause) bool {
	if !i.open() || i.late {
		t.reopen(i, c.began)
	}
	if i.late { // the fault of the past goes on
		i.late, i.firstBin = false, t.bin-int64(c.window)+1
		i.from = i.firstBin
	}
	before := len(i.flows)
	maps.Copy(i.flows, c.flows)
	if len(i.flows) == before && i.scopes[0].equal(&c.scopes[0]) {
		return i.found == t.bin
	}
	t.review(i, true)
	return true
}

// unite makes one incident of two that turn out to be about the same clients since the same time,
// such as those of two targets, as long as one of them has not been told.
func (t *turn) unite() {
	for k := len(t.j.incidents) - 1; k > 0; k-- {
		late := t.j.incidents[k]
		for _, i := range t.j.incidents[:k] {
			if !t.twins(i, late) {
				continue
			}
			if i.told.ID == 0 { // the other one's number is known
				*i, *late = *late, *i
			}
			maps.Copy(i.flows, late.flows)
			i.onset, i.firstBin, i.from = min(i.onset, late.onset), min(i.firstBin, late.firstBin), min(i.from, late.from)
			i.excess, i.before = i.excess+late.excess, i.before+late.before
			t.j.incidents = slices.Delete(t.j.incidents, k, k+1)
			t.review(i, true)
			break
		}
	}
}

// twins reports whether two incidents are one, of which at least one is still to be told.
func (t *turn) twins(a, b *incident) bool {
	if !a.open() || !b.open() || a.late || b.late || len(a.flows) == 0 || len(b.flows) == 0 || a.told.ID != 0 && b.told.ID != 0 {
		return false
	}
	near := max(a.from-b.from, b.from-a.from) <= t.j.bins(togetherAll)
	return near && a.scopes[0].equal(&b.scopes[0])
}

// reopen lets an incident go on that was over, from a bin on. What was calm in between says nothing
// about who is hit now.
func (t *turn) reopen(i *incident, from int64) {
	i.from, i.before = max(from, i.firstBin), i.excess
	i.until, i.calm, i.found, i.lastBad, i.later, i.kept = 0, 0, t.bin, t.bin, 0, 0
	i.reopened++
}

// review localises an incident anew. A scope that differs replaces the former one at once, or only
// when it is found twice.
func (t *turn) review(i *incident, now bool) {
	window := min(max(t.bin-i.from+1, 2), ringBins-1)
	c := t.localise(i.flows, int(window), i)
	if c.evidence < goesOn { // others explain all of it, which says nothing about who was hit
		return
	}
	if c.scopes[0].equal(&i.scopes[0]) {
		i.kept++
		i.scopes, i.share, i.part, i.margin, i.more, i.pendingSeen = c.scopes, c.share, c.part, c.margin, c.more, 0
		return
	}
	if !now && (i.pendingSeen == 0 || !i.pending.equal(&c.scopes[0])) {
		i.pending, i.pendingSeen = c.scopes[0], 1
		return
	}
	i.scopes, i.share, i.part, i.margin, i.more, i.pendingSeen, i.kept = c.scopes, c.share, c.part, c.margin, c.more, 0, 0
}

// expected is how many failures one of the last n bins has within the incident's scope.
func (t *turn) expected(i *incident, n int64) float64 {
	at, values := i.scopes[0].only()
	e := 0.0
	for _, f := range slices.SortedFunc(maps.Keys(i.flows), compareFlows) {
		for _, v := range values {
			e += t.j.expectedAt(f, at, v, n)
		}
	}
	if i.scopes[0].mixed() {
		e *= i.part
	}
	return e + leastCount
}

// only is the attribute that a cuboid names, with its values; everyone if it names none or several.
func (c *cuboid) only() (attribute, []uint32) {
	if !c.mixed() {
		for a, list := range c {
			if len(list) > 0 {
				return attribute(a), list
			}
		}
	}
	return everyone, []uint32{0}
}

// mixed reports whether a cuboid names several attributes.
func (c *cuboid) mixed() bool {
	n := 0
	for _, list := range c {
		if len(list) > 0 {
			n++
		}
	}
	return n > 1
}

// price is what a scope takes more because there are many like it, in nats.
func (t *turn) price(flows map[flow]bool, c *cuboid) float64 {
	price := 0.0
	for a, list := range c {
		for _, v := range list {
			best := math.Inf(1)
			for f := range flows {
				p := t.j.order[f.pop]
				if e := p.exposures[a][v]; e != nil {
					best = min(best, p.price(e))
				}
			}
			if !math.IsInf(best, 0) {
				price += best
			}
		}
	}
	return price
}

// counts are the failures within an incident's scope that no part of it explains, bin by bin, in n
// bins up to this one.
func (t *turn) counts(i *incident, n int64) []float64 {
	x := make([]float64, n)
	first := t.bin - n + 1
	parts := t.parts(i)
	t.j.recent.each(t.bin, int(n), func(h *hit, weight float64) {
		if i.holds(h) && !slices.ContainsFunc(parts, func(o *incident) bool { return o.holds(h) }) {
			x[h.at/t.j.width-first] += float64(h.count) * weight
		}
	})
	return x
}

// parts are open incidents of a part of an incident's scope: those that were there before it, since
// a network that was cut off already when the whole service failed may be so when the service is
// back, and those that were found inside of it.
func (t *turn) parts(i *incident) (parts []*incident) {
	for _, o := range t.j.incidents {
		mine, wider := &o.scopes[0], &i.scopes[0]
		if o == i || !o.open() || o.late || len(o.flows) == 0 {
			continue
		}
		if i.id != 0 && o.inside == i.id || o.from < i.from && mine.within(wider) && !mine.equal(wider) {
			parts = append(parts, o)
		}
	}
	return parts
}

// follow asks of every open incident whether it goes on, and forgets those that are long over.
func (t *turn) follow() {
	t.j.incidents = slices.DeleteFunc(t.j.incidents, func(i *incident) bool {
		return !i.open() && t.end-i.until > reopenFor.Milliseconds()
	})
	for _, i := range t.j.incidents {
		if i.open() {
			t.followOne(i)
		}
	}
}

func (t *turn) followOne(i *incident) {
	if i.late {
		t.followLate(i)
		return
	}
	if i.flood != nil && len(i.flows) == 0 {
		if t.bin-i.floodSeen > 2*spreadBins {
			i.calm++
		} else {
			i.calm, i.lastBad = 0, t.bin
		}
		return
	}
	if t.around(i) != nil {
		t.followInside(i)
		return
	}
	e, n := t.expected(i, i.pace), i.pace
	// what has not arrived yet is not calm
	wait := min(t.j.lateness(!t.redirected(i.flows)).wait(), ringBins-1-n)
	x := t.counts(i, n+wait)
	if settled := t.bin - wait; settled >= i.found {
		i.excess += max(x[n-1]-e, 0)
	}
	newest := t.hit(i, x[wait:], e)
	if !newest && i.told.Page {
		if last, on := t.persists(i, n, e); on {
			newest, i.lastBad = true, max(i.lastBad, last)
		}
	}
	if !newest {
		x = x[:n]
	}
	if newest || wait > 0 && t.hit(i, x, e) {
		i.calm = 0
		for b := range x {
			if x[b] > 1.2*e {
				i.lastBad = max(i.lastBad, t.bin-n-wait+1+int64(b))
			}
		}
	} else {
		i.calm++
	}
	// as many bins as bring some failures if it goes on
	if i.calm == 0 {
		i.pace = paceOf((i.excess - i.before) / float64(max(t.bin-i.from, 1)))
	}
	if t.bin-i.from < t.j.bins(relearnAfter) {
		t.freeze(i)
		t.estrange(i)
	}
	// what comes when it does not stand out any more says nothing about who is hit
	if since := t.bin - i.found; since <= 4 || i.calm == 0 && (since == 8 || since%16 == 0 && since < 64) {
		t.review(i, i.told.ID == 0)
	}
}

// paceOf is how many bins bring some failures at a rate.
func paceOf(rate float64) int64 {
	return min(max(int64(paceCount/max(rate, 0.01)), followBins), ringBins/2)
}

// hit reports whether bins with x failures are part of an incident. It is over when the last half
// of the time is calm, or all of it is hardly hit.
func (t *turn) hit(i *incident, x []float64, e float64) bool {
	n, total := len(x), sum(x)
	cluster, noise := t.spreadOf(i)
	shape := 1 / (noise + 1e-3)
	return surprise(total/cluster, float64(n)*e/cluster, shape) >= goesOn && total >= 1.3*float64(n)*e && sum(x[n/2:]) > 1.2*float64(n-n/2)*e
}

// persists reports whether clients go on failing, and the newest bin in which they do. Of the
// failures of one client fewer and fewer count, so when few clients are hit, and all the time, it
// is they who are counted.
func (t *turn) persists(i *incident, n int64, e float64) (last int64, on bool) {
	parts := t.parts(i)
	type voiced struct {
		bin int64 // the newest
		who source
	}
	seen := map[uint64]voiced{} // by client
	by := map[source]int{}
	t.j.recent.each(t.bin, int(n), func(h *hit, _ float64) {
		if !i.holds(h) || slices.ContainsFunc(parts, func(o *incident) bool { return o.holds(h) }) {
			return
		}
		v, again := seen[h.client]
		if !again {
			if by[h.source()]++; by[h.source()] > sourceFree {
				return
			}
		}
		seen[h.client] = voiced{max(v.bin, h.at/t.j.width), h.source()}
	})
	half := t.bin - n/2
	recent, sources := 0.0, map[source]bool{}
	for _, v := range seen {
		if last = max(last, v.bin); v.bin > half {
			recent++
			sources[v.who] = true
		}
	}
	_, noise := t.spreadOf(i)
	// one machine may claim to be many clients
	return last, len(sources) >= min(2, t.j.o.Clients) && recent >= float64(t.j.o.Clients) && recent > 1.2*e*float64(n/2) && surprise(recent, e*float64(n/2), 1/(noise+1e-3)) >= goesOn
}

// freeze keeps the values of an incident's scope from being learned.
func (t *turn) freeze(i *incident) {
	at, values := i.scopes[0].only()
	for f := range i.flows {
		p := t.j.order[f.pop]
		for _, st := range []*stream{p.any, p.outcomes[f.outcome]} {
			if st == nil {
				continue
			}
			for _, v := range values {
				if s := st.series[at][v]; s != nil {
					s.freeze(i.from, t.bin+spreadBins)
				}
			}
		}
	}
}

func sum(x []float64) (total float64) {
	for _, v := range x {
		total += v
	}
	return total
}

// spreadOf is by how much the failures vary among the values of the attribute that an incident's
// scope names first.
func (t *turn) spreadOf(i *incident) (cluster, noise float64) {
	at := everyone
	for a := range i.scopes[0] {
		if len(i.scopes[0][a]) > 0 {
			at = attribute(a)
			break
		}
	}
	for _, f := range slices.SortedFunc(maps.Keys(i.flows), compareFlows) {
		if st := t.j.order[f.pop].outcomes[f.outcome]; st != nil {
			return st.cluster(at), st.spread[at].noise()
		}
	}
	return togetherPrior, noisePrior
}

// hold is how many calm bins it takes until an incident is over: twice as many for each time
// that it opened again.
func (i *incident) hold() int64 {
	return max(3, i.pace/2) * min(int64(1)<<min(i.reopened, 10), holdMost)
}

// date estimates the onset: the bin from which on a higher rate explains the failures best, and
// within it the part that the failures of the bins after it suggest.
func (t *turn) date(i *incident, window int64) {
	n := min(window*2+onsetBefore, ringBins-1)
	x, e := t.counts(i, n), t.expected(i, n)
	best, at := math.Inf(-1), n-1
	tail, bins := 0.0, 0.0
	for b := n - 1; b >= 0; b-- {
		tail, bins = tail+x[b], bins+1
		if f := poisson(tail, e*bins); f > best {
			best, at = f, b
		}
	}
	i.firstBin = t.bin - n + 1 + at
	i.from = i.firstBin
	part := 1.0
	if after := n - 1 - at; after > 0 {
		if rate := sum(x[at+1:]) / float64(after); rate > 0 {
			part = min(x[at]/rate, 1)
		}
	}
	i.onset = (i.firstBin+1)*t.j.width - int64(part*float64(t.j.width))
	i.excess = max(sum(x[at:])-e*float64(n-at), 0)
}
