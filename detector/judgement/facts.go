package judgement

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/detector/verdict"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Breadth that an incident takes to be acted on.
const (
	// the part of the evidence of an alarm, less some nats, that distinct sources must give by
	// themselves: they are asked only where there was an alarm
	sourcesPart = 0.7
	sourcesLess = 3
	// sources from which on a fault need not have lasted a minute
	fewSources = 5
	// Sources that are always enough. Where that many fail by chance now and then, because very
	// many clients are looked at, it takes up to so many times the expected failures, and
	// mostSources, unless failures say by themselves so many times what is asked for.
	enoughSources = 32
	enoughTimes   = 3
	mostSources   = 100
	clearFailures = 2
)

// sourcesEnough is how many sources are enough where some failures are expected.
func sourcesEnough(expected float64, clear bool) int {
	if clear {
		return enoughSources
	}
	return max(enoughSources, min(int(enoughTimes*expected), mostSources))
}

// Of a place with few clients at all, three sources are enough if each fails whatever it asks for,
// and goes on doing so.
const (
	fewLeast = 3
	fewFor   = 2 * time.Minute
	fewShare = 0.8 // of the clients
	fewEach  = 3   // failures of each, on average
	// A combination of attributes is too small to be known well. It is taken to have at least such
	// a part of what the smallest of them has.
	mixedPart = 0.3
)

// persistent reports whether nearly all that is asked for fails, for every client, for some bins,
// where so many clients are active. A few that retry in a loop are not nearly all of these, though
// most requests are theirs.
func (m *numbers) persistent(bins int64, active float64) bool {
	least := active / 2
	if m.loops >= loopShare {
		least = fewShare * active
	}
	return m.span >= bins && float64(m.clients) >= least && m.failed >= m.requests/2 && m.failed >= fewEach*float64(m.sources) && m.fates.share(m.fates.everywhere) >= fewShare
}

// decide fills in the verdict, whether it pages, and the evidence.
func (t *turn) decide(i *incident, m *numbers, d *Incident) {
	if len(i.flows) == 0 {
		t.decideFlood(i, d)
		return
	}
	f := t.facts(i, m, d)
	r := verdict.Judge(f)
	d.Verdict, d.Page, i.lacks = r.Verdict, r.Page, Doubt{}
	switch r.Verdict {
	case model.TooThin:
		i.lacks = Doubt{d.Target, "too few to judge (" + r.Missing + ")"}
	case model.Forged:
		i.lacks = Doubt{d.Target, "too few to judge (one source reports most of it, and nobody confirms it)"}
	}
	if r.Verdict == model.Forged {
		d.Scope = []Scope{{ASN: slices.Clone(r.Scope.ASNs)}}
	}
	for _, s := range r.Evidence {
		d.Evidence = append(d.Evidence, Evidence{s.Code, s.Text})
	}
}

// facts gathers what the verdict is made from.
func (t *turn) facts(i *incident, m *numbers, d *Incident) *verdict.Facts {
	s := &d.Scope[0]
	f := &verdict.Facts{
		Target: d.Target, Delivery: d.App == model.DeliveryApp, Late: d.Late, NetworkName: t.j.o.NetworkName,
		Scope: verdict.Scope{ASNs: s.ASN, Countries: s.Country, Servers: s.Server, Versions: s.Version, Systems: s.OS, Protocols: s.Protocol,
			Statuses: s.Status, Collectors: s.Collector},
		Covered: d.Share, Early: (t.bin-i.from+1)*t.j.width <= time.Minute.Milliseconds(), Wider: i.inside != 0,
		Inside:       verdict.Count{Failed: d.Failed, Requests: d.Requests, Expected: d.Expected},
		Breadth:      verdict.Breadth{Clients: m.clients, Buckets: m.sources, Networks: m.networks},
		Needed:       t.needed(i, m),
		NeededExcess: t.j.o.Excess,
		Vantages:     t.vantages(s, d.Onset),
		AtUp:         t.atUp(i, m, s.ASN),
		Strange:      m.strange / max(m.counted, 1),
		Redirected:   m.redirected / max(m.counted, 1),
	}
	for out, x := range m.byOutcome {
		name := report.Outcome(t.j.names.text(kindOutcome, out))
		f.Outcomes = append(f.Outcomes, verdict.Outcome{Outcome: name, Excess: x * max(1-m.expected/max(m.counted, 1), 0.1)})
	}
	slices.SortFunc(f.Outcomes, func(a, b verdict.Outcome) int {
		return cmp.Or(cmp.Compare(b.Excess, a.Excess), cmp.Compare(a.Outcome, b.Outcome))
	})
	f.Clients = verdict.Clients{
		Active: int(t.active(i)), Targets: m.fates.targets(),
		Everywhere: m.fates.share(m.fates.everywhere), Recovered: m.fates.share(m.fates.recovered), Offline: m.fates.share(m.fates.held),
		Looping: m.loops,
	}
	if m.fates.together() || i.late {
		f.Clients.Recovered = 0
	}
	f.Reporters = t.reporters(m)
	if s := t.slowness(i, m); s != nil {
		f.SlowerThan, f.UsuallySlow = s.limit, s.usual
		if alerted := i.told.Page && i.told.Until == 0; !alerted && !s.shifted(m) {
			f.Missing = append(f.Missing, fmt.Sprintf("%.1f %% of the requests more than usual are slow of the %.0f %% needed",
				100*max(m.failed/max(m.requests, 1)-s.usual, 0), 100*slowShift))
		}
	}
	return f
}

// active is how many clients made requests within an incident's scope since it opened.
func (t *turn) active(i *incident) float64 {
	clients := t.j.clients.active.past * t.j.paces.usual(nil) / t.usual(i)
	return clients * i.part * max(1, float64(t.bin-i.from)/(3*spreadBins))
}

// usual is how many requests a client usually makes in a minute, in the networks that an incident's
// scope names or, if it names none, anywhere.
func (t *turn) usual(i *incident) float64 { return t.j.paces.usual(i.scopes[0][byASN]) }

// reporters says where the reports come from. That a source was never heard of before means
// something only if it is loud: most clients are new.
func (t *turn) reporters(m *numbers) verdict.Reporters {
	r := verdict.Reporters{Sources: m.sources, Loudest: m.topFailed / max(m.failed, 1)}
	if m.loud() {
		r.Fresh = r.Loudest
	}
	if m.top.asn != 0 {
		r.ASNs = []uint32{m.top.asn}
	}
	r.Others = verdict.Count{Failed: m.counted - m.topCounted, Requests: max(m.requests-m.topFailed, 0), Expected: m.expected}
	return r
}

// needed is the least breadth that is acted on. Distinct sources must be a wonder by themselves,
// since a machine can invent clients, but no address prefixes; few of them must have told for a
// minute; and a fault that is not of one network must be told from several, if networks are known.
func (t *turn) needed(i *incident, m *numbers) verdict.Breadth {
	o := &t.j.o
	n := verdict.Breadth{Clients: o.Clients, Buckets: min(2, o.Clients), Networks: 1}
	price := t.price(i.flows, &i.scopes[0])
	base := max(o.Evidence-sourcesLess, 1)
	least := min(base+price, 2*base) * sourcesPart
	shape, expected := t.shape(i), m.expected
	window := max(t.bin-i.from+1, 2)
	expected = max(expected, mixedPart*t.marginal(i, window)*float64(window))
	clearly := surprise(m.counted/cluster, m.expected/cluster, shape)
	enough := sourcesEnough(expected, clearly >= clearFailures*least)
	for n.Buckets < enough && surprise(float64(n.Buckets), expected, shape) < least {
		n.Buckets++
	}
	if !i.late && !m.fates.together() {
		clearly = surprise((m.counted-m.mended)/cluster, m.expected/cluster, shape)
	}
	// nothing is clearly wrong with these, or only with connections of their own
	if clearly < least {
		n.Buckets = m.sources + 1
	}
	active := t.active(i)
	persistent := m.persistent(t.j.bins(fewFor), active) && !i.scopes[0].mixed()
	switch {
	case m.span < t.j.bins(time.Minute):
		n.Buckets = max(n.Buckets, fewSources)
	case persistent:
		n.Buckets = min(n.Buckets, fewLeast)
	}
	if m.loops >= loopShare && !persistent {
		n.Clients = max(n.Clients, clientsOfLoops(m.expected, active))
	}
	if len(i.scopes[0][byASN]) == 0 && !t.j.sources.nameless() {
		n.Networks = o.Networks
		// the others of a country may be clearly hit beside the network that most of it is
		beside := (1 - m.topShare) * m.counted
		parent := len(i.scopes[0][byCountry]) > 0 && m.networks > parentNetworks && surprise(beside/cluster, m.expected/cluster, shape) >= clearlyHit
		if m.topShare > aloneShare && !parent {
			n.Networks = max(n.Networks, m.networks+1)
		}
	}
	// Clients whose reports were held up and who are back, one after another, tell of their own
	// connections, however many they are.
	if f := &m.fates; !i.late && min(f.share(f.everywhere), f.share(f.recovered), f.share(f.held)) > 0.5 && !f.together() {
		n.Clients = max(n.Clients, m.clients+1)
	}
	if i.told.Page && i.told.Until == 0 { // what has alerted people is not taken back
		n = verdict.Breadth{}
	}
	return n
}

// shape is how well the failures within an incident's scope are known, as in stream.surprise.
func (t *turn) shape(i *incident) float64 {
	at, values := i.scopes[0].only()
	_, noise := t.spreadOf(i)
	doubt := noise + 1.0/50
	if len(values) == 1 && at != everyone {
		doubt = noise + 1/priorShape
		for f := range i.flows {
			if st := t.j.order[f.pop].outcomes[f.outcome]; st != nil && st.series[at][values[0]] != nil {
				doubt = min(doubt, st.doubt(st.series[at][values[0]]))
			}
		}
	}
	return 1 / doubt
}

// marginal is how many failures one of the last n bins has at the attribute of a mixed scope that
// has the fewest, and 0 for other scopes.
func (t *turn) marginal(i *incident, n int64) float64 {
	c := &i.scopes[0]
	if !c.mixed() {
		return 0
	}
	least := math.Inf(1)
	for a, list := range c {
		if len(list) == 0 {
			continue
		}
		e := 0.0
		for _, v := range list {
			for _, f := range slices.SortedFunc(maps.Keys(i.flows), compareFlows) {
				e += t.j.expectedAt(f, attribute(a), v, n)
			}
		}
		least = min(least, e)
	}
	return least
}
