package judgement

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// numbers are what is known of the failures within a scope in some bins.
type numbers struct {
	failed, requests, expected float64
	clients, sources, networks int
	span                       int64 // from the first to the last bin with failures, both included
	top                        source
	topFailed                  float64 // raw failures of the loudest source
	topClients                 int     // its tokens
	topShare                   float64 // part of the network with the most counted failures
	topCounted                 float64 // failures of the loudest source that count
	counted                    float64 // of all
	strange                    float64 // of these, from servers that are strangers
	redirected                 float64 // of these, of requests that succeeded there
	// of these, of clients that could not tell before they were well again
	mended    float64
	fates     fates
	loops     float64 // part of the failures of clients that retry in a loop
	byOutcome map[uint32]float64
	byTarget  map[populationKey]float64
	byServer  map[uint32]float64 // where one was reached
}

// measure counts the failures of an incident in n bins.
func (t *turn) measure(i *incident, n int64) numbers {
	m := numbers{byOutcome: map[uint32]float64{}, byTarget: map[populationKey]float64{}, byServer: map[uint32]float64{}}
	seen, networks := map[uint64]float64{}, map[uint32]float64{} // failures by client and network
	by := map[source]*heard{}
	first, last := int64(math.MaxInt64), int64(0)
	each := func(f func(h *hit, weight float64)) { t.j.recent.each(t.bin, int(n), f) }
	if i.late {
		each = t.lateEach
	}
	i = t.mainOf(i, each)
	each(func(h *hit, weight float64) {
		if !i.holds(h) {
			return
		}
		count, s := float64(h.count)*weight, by[h.source()]
		if s == nil {
			s = &heard{tokens: map[uint64]struct{}{}}
			by[h.source()] = s
		}
		s.raw += float64(h.raw) * weight
		s.counted += count
		s.tokens[h.client] = struct{}{}
		_, again := seen[h.client]
		if seen[h.client] += float64(h.raw) * weight; !again {
			if !t.j.order[h.pop].key.timed() { // who is slow has failed nowhere
				m.fates.add(t.j.clients.state(h.client))
			}
		}
		m.failed += float64(h.raw) * weight
		m.counted += count
		if t.strange(h.pop, h.place[byServer]) {
			m.strange += count
		}
		if h.ok {
			m.redirected += count
		}
		if c := t.j.clients.state(h.client); c != nil && c.held && c.recovered() {
			m.mended += count
		}
		networks[h.place[byASN]] += count
		m.byOutcome[h.out] += count
		if server := h.place[byServer]; server != 0 {
			m.byServer[server] += count
		}
		m.byTarget[t.j.order[h.pop].key] += count
		b := h.at / t.j.width
		first, last = min(first, b), max(last, b)
	})
	m.clients, m.sources, m.networks, m.span = len(seen), len(by), len(networks), max(last-first+1, 0)
	for _, who := range slices.SortedFunc(maps.Keys(by), compareSources) {
		if s := by[who]; s.raw > m.topFailed {
			m.top, m.topFailed, m.topCounted, m.topClients = who, s.raw, s.counted, len(s.tokens)
		}
	}
	minutes := float64(m.span) * float64(t.j.width) / 60_000
	m.loops = looping(seen, t.usual(i), minutes)
	for _, x := range networks {
		m.topShare = max(m.topShare, x/max(m.counted, 1))
	}
	m.expected = t.expected(i, n) * float64(n)
	m.requests = max(t.requests(i)*float64(n), m.failed)
	return m
}

// heard is what one source says of an incident.
type heard struct {
	raw, counted float64
	tokens       map[uint64]struct{}
}

func compareSources(a, b source) int {
	return cmp.Or(cmp.Compare(a.asn, b.asn), cmp.Compare(a.bucket, b.bucket))
}

func compareFlows(a, b flow) int {
	return cmp.Or(cmp.Compare(a.pop, b.pop), cmp.Compare(a.outcome, b.outcome))
}

// requests is how many requests a bin has within the scope.
func (t *turn) requests(i *incident) float64 {
	n, seen := 0.0, map[uint16]bool{}
	for _, f := range slices.SortedFunc(maps.Keys(i.flows), compareFlows) {
		if !seen[f.pop] {
			seen[f.pop] = true
			n += t.j.order[f.pop].level.mean()
		}
	}
	return math.Round(n * i.part)
}

// conclude clears what is over and tells what an operator would act on.
func (t *turn) conclude() {
	t.unite()
	for _, i := range t.j.incidents {
		if !i.open() {
			continue
		}
		if i.calm >= i.hold() {
			i.until = (i.lastBad + 1) * t.j.width
			if i.late {
				i.until = i.lateUntil + 1
			}
			if i.told.ID != 0 {
				t.tell(i, Cleared, t.describe(i))
			}
			continue
		}
		t.consider(i)
	}
	t.j.incidents = slices.DeleteFunc(t.j.incidents, func(i *incident) bool { return !i.open() && i.told.ID == 0 })
	t.j.countOpen()
}

// countOpen counts the incidents that are open now.
func (j *Judge) countOpen() {
	j.open = 0
	for _, i := range j.incidents {
		if i.open() && !i.late {
			j.open++
		}
	}
}

// Bounds on how often an incident that has been told changes.
const (
	changeFirst = 30 * time.Second // after the first word, which is often a coarse one
	changeAfter = time.Minute      // and twice as long after each other one
	changeMost  = 6                // after so many, only a page is told
	sureMargin  = 3                // nats between the best explanation and the second, by which it is told at once
	sureBins    = 3                // after which it is told all the same
	moreLeast   = 0.5              // values that are likely hit and not named yet, for which the first word waits
	moreFor     = 10 * time.Second
)

// consider tells an incident if there is news.
func (t *turn) consider(i *incident) {
	if t.bin-i.lastBad > 1 && i.told.ID != 0 {
		return
	}
	if i.told.Page && i.told.Until == 0 && (t.bin < i.later || i.tells >= changeMost) {
		return // there is no news that would be told
	}
	now := t.describe(i)
	if t.toldBeside(i, &now) {
		return
	}
	old := &i.told
	switch {
	case old.ID == 0 || old.Until != 0:
		if now.Page && t.sure(i) || !now.Page && t.bin-i.found >= t.j.bins(quietFor(now.Verdict)) || i.late || len(i.flows) == 0 {
			t.tell(i, Opened, now)
		}
	case now.Page && !old.Page:
		t.tell(i, Changed, now)
	case t.bin >= i.later && i.tells < changeMost && newsworthy(old, &now, i.tells > 1 || t.bin >= i.later+t.j.bins(changeAfter)):
		t.tell(i, Changed, now)
	}
}

// sure reports whether an incident may be told for the first time: its scope is clearly better than
// any other, and no more values are about to be named. It waits for neither for long.
func (t *turn) sure(i *incident) bool {
	since := t.bin - i.found
	return (i.margin >= sureMargin || since >= sureBins) && (i.more < moreLeast || since*t.j.width >= moreFor.Milliseconds() || t.j.width > moreFor.Milliseconds())
}

// quietFor is how long an incident that alerts nobody must last until it is told: few clients that
// fail for a while are no news.
func quietFor(v model.Verdict) time.Duration {
	if v == model.TooThin {
		return 5 * time.Minute
	}
	return time.Minute
}

// newsworthy reports whether an operator would act on what changed. That a fault has become worse
// is news after a while, since every fault begins small.
func newsworthy(old, now *Incident, later bool) bool {
	return old.Verdict != now.Verdict || !old.Scope[0].equal(&now.Scope[0]) || later && now.Severity > 8*max(old.Severity, 50)
}

func (s *Scope) equal(o *Scope) bool {
	return slices.Equal(s.ASN, o.ASN) && slices.Equal(s.Server, o.Server) && slices.Equal(s.Country, o.Country) && slices.Equal(s.Version, o.Version) &&
		slices.Equal(s.OS, o.OS) && slices.Equal(s.Protocol, o.Protocol) && slices.Equal(s.Status, o.Status) && slices.Equal(s.Collector, o.Collector)
}

func (t *turn) tell(i *incident, kind Kind, now Incident) {
	i.told = now
	i.tells++
	i.later = t.bin + t.j.bins(changeAfter)<<min(i.tells-1, 10)
	if i.tells == 1 {
		i.later = t.bin + t.j.bins(changeFirst)
	}
	t.events = append(t.events, Event{Judged: t.j.now, Kind: kind, Incident: now})
}

// describe puts an incident into words.
func (t *turn) describe(i *incident) Incident {
	window := min(max(t.bin-i.from+1, 2), ringBins-1)
	if i.late {
		window = (i.lateUntil-i.onset)/t.j.width + 1
	}
	if i.open() {
		i.worst = t.measure(i, window)
	}
	m := &i.worst
	// it was over soon after a restart, and what was told is all that is known
	if m.byTarget == nil {
		d := i.told
		d.Until, d.Severity = i.until, math.Round(i.excess*10)/10
		return d
	}
	d := Incident{
		ID: i.id, Onset: i.onset, Until: i.until, Late: i.late, Severity: math.Round(i.excess*10) / 10, Share: math.Round(i.share*1000) / 1000,
		Failed: math.Round(m.failed), Requests: math.Round(m.requests), Expected: math.Round(m.expected*100) / 100, Clients: m.clients, Buckets: m.sources,
		Networks: m.networks, Outcomes: t.outcomes(m), Reopened: i.reopened,
	}
	d.App, d.Target = t.target(m)
	for k := range i.scopes {
		d.Scope = append(d.Scope, t.j.scope(&i.scopes[k]))
	}
	if d.App == model.DeliveryApp {
		for k := range d.Scope {
			d.Scope[k].Collector = t.collectors(m, d.Target)
		}
	}
	if s := t.slowness(i, m); s != nil {
		d.SlowerThan, d.UsuallySlow = s.limit, s.usual
	}
	t.decide(i, m, &d)
	return d
}

// outcomes are those of an incident, the most frequent first.
func (t *turn) outcomes(m *numbers) []report.Outcome {
	ids := slices.SortedFunc(maps.Keys(m.byOutcome), func(a, b uint32) int {
		return cmp.Or(cmp.Compare(m.byOutcome[b], m.byOutcome[a]), cmp.Compare(a, b))
	})
	all := []report.Outcome{}
	for _, id := range ids {
		all = append(all, report.Outcome(cmp.Or(t.j.names.text(kindOutcome, id), string(report.Unknown))))
	}
	return all
}

// target is the main one.
func (t *turn) target(m *numbers) (app, target string) {
	best, most := populationKey{}, -1.0
	for k, x := range m.byTarget {
		if x > most || x == most && comparePopulations(k, best) < 0 {
			best, most = k, x
		}
	}
	return t.j.names.text(kindApp, best.app), t.j.names.text(kindTarget, best.target)
}

// collectors are those that fail to take deliveries: the main target, and others with as many
// failures as an alarm takes.
func (t *turn) collectors(m *numbers, main string) (names []string) {
	for k, x := range m.byTarget {
		target := t.j.names.text(kindTarget, k.target)
		name, ok := strings.CutPrefix(target, model.CollectorTarget)
		if ok && t.j.names.text(kindApp, k.app) == model.DeliveryApp && (target == main || x >= t.j.o.Excess) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func comparePopulations(a, b populationKey) int {
	return cmp.Or(cmp.Compare(a.app, b.app), cmp.Compare(a.target, b.target), cmp.Compare(a.source, b.source))
}
