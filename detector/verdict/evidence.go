package verdict

import (
	"cmp"
	"slices"
	"strings"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// evidence returns the reasons of a rule, followed by the facts that are told with every verdict.
// Each code occurs once.
func (v *view) evidence(r *rule) []model.Signal {
	var all []model.Signal
	for _, s := range slices.Concat(r.why(v), v.common()) {
		if s.Text != "" && !slices.ContainsFunc(all, func(o model.Signal) bool { return o.Code == s.Code }) {
			all = append(all, s)
		}
	}
	return all
}

func (v *view) common() []model.Signal {
	s := []model.Signal{v.inside(), v.elsewhere(), v.breadth(), v.outcomes(), v.probes(), v.deliveries()}
	if v.Late {
		s = append(s, signal(model.SignalLate, "the reports came long after the failures: this is an incident of the past"))
	}
	return s
}

func (v *view) inside() model.Signal {
	c := v.Inside
	if v.redirected() {
		return signal(model.SignalExcess, "%s reported %s%s succeeded at servers that nobody asked before", count(c.Failed), v.things(), v.who())
	}
	if v.slow() {
		return signal(model.SignalExcess, "%s of %s timed requests%s were slow", count(c.Failed), count(max(c.Requests, c.Failed)), v.who())
	}
	return signal(model.SignalExcess, "%s of %s %s%s failed; %s expected", count(c.Failed), count(max(c.Requests, c.Failed)),
		v.things(), v.who(), wasWere(c.Expected))
}

func (v *view) things() string {
	if v.Delivery {
		return "deliveries"
	}
	return "requests"
}

// elsewhere compares the requests outside of the scope. It is empty if the scope is everyone.
func (v *view) elsewhere() model.Signal {
	c := v.Elsewhere
	switch {
	case v.Wider:
		return signal(model.SignalInside, "clients get nothing through here, while around them a part of the requests fails, which is another incident")
	case v.partly() && !v.redirected():
		return signal(model.SignalElsewhere, "that is %s of the failures beyond expectation: others are hit, too, and too little is known so far of whom", percent(v.Covered))
	case c.Requests <= 0 || v.Scope.Everyone() || v.redirected():
		return model.Signal{}
	case c.Failed <= confirmed*max(c.Expected, 1):
		return signal(model.SignalElsewhere, "all others fare as usual: %s of %s %s failed", count(c.Failed), count(c.Requests), v.things())
	default:
		return signal(model.SignalElsewhere, "elsewhere %s of %s %s failed; %s expected", count(c.Failed), count(c.Requests), v.things(), wasWere(c.Expected))
	}
}

func (v *view) breadth() model.Signal {
	b := v.Breadth
	if b.Clients == 0 {
		return model.Signal{}
	}
	text := plural(b.Clients, "client") + " with failures"
	if v.redirected() {
		text = plural(b.Clients, "client")
	}
	if v.slow() {
		text = plural(b.Clients, "client") + " with slow requests"
	}
	if b.Buckets > 0 {
		text += ", behind " + plural(b.Buckets, "address prefix")
	}
	if b.Networks > 0 {
		text += ", in " + plural(b.Networks, "network")
	}
	return signal(model.SignalBreadth, "%s", text)
}

// outcomes names the outcomes with at least a tenth of the excess, at most three.
func (v *view) outcomes() model.Signal {
	all := slices.Clone(v.Outcomes)
	slices.SortFunc(all, func(a, b Outcome) int {
		return cmp.Or(cmp.Compare(b.Excess, a.Excess), strings.Compare(string(a.Outcome), string(b.Outcome)))
	})
	if v.redirected() {
		return model.Signal{}
	}
	var words []string
	for _, o := range all[:min(len(all), maxNames)] {
		if o.Excess > 0 && o.Excess >= v.excess/10 {
			words = append(words, string(o.Outcome)+" "+percent(o.Excess/v.excess))
		}
	}
	if len(words) == 0 || v.slow() && len(words) == 1 {
		return model.Signal{}
	}
	return signal(model.SignalOutcomes, "the failures are %s", list(words))
}

// probes says what the probers find. They have probed no collector, and what they found before the
// failures began says nothing about them.
func (v *view) probes() model.Signal {
	switch {
	case v.Delivery && len(v.Scope.Servers) == 0:
		return model.Signal{}
	case v.witnesses == 0 && v.insideOf > 0:
		return signal(model.SignalProbesDown, "%s in the same networks cannot reach the servers either", plural(v.insideOf, "vantage"))
	case v.probesDown():
		return signal(model.SignalProbesDown, "%d of %s elsewhere find servers down: %s", v.someDown, plural(v.witnesses, "vantage"), list(v.downs()))
	case v.agree(v.someDown):
		return signal(model.SignalProbesAnswer, "%d of %s elsewhere find servers down, which does not explain these failures: %s",
			v.someDown, plural(v.witnesses, "vantage"), list(v.downs()))
	case v.judged == 0 && v.pending > 0:
		return signal(model.SignalProbesPending, "the probers have not judged the servers since the failures began")
	case v.judged == 0:
		return model.Signal{}
	case v.upNow == 0:
		return signal(model.SignalProbesDown, "only %s elsewhere can tell, and %s not reach the servers: %s", plural(v.judged, "vantage"), doDoes(v.judged), list(v.downs()))
	case v.insideOf > 0:
		return signal(model.SignalProbesAnswer, "%d of %s elsewhere %s the servers, and %s in the same networks %s not: the path is at fault",
			v.upNow, plural(v.judged, "vantage"), reachReaches(v.upNow), plural(v.insideOf, "vantage"), doDoes(v.insideOf))
	default:
		return signal(model.SignalProbesAnswer, "%d of %s %s the servers", v.upNow, plural(v.judged, "vantage"), reachReaches(v.upNow))
	}
}

// downs returns the names of the vantages that find servers down.
func (v *view) downs() (names []string) {
	for _, p := range v.Vantages {
		if p.Down > 0 && !slices.Contains(v.Scope.ASNs, p.ASN) {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// deliveries says whether the clients' own connections work.
func (v *view) deliveries() model.Signal {
	var delivered, failed float64
	for _, c := range v.Collectors {
		delivered += c.Delivered
		failed += c.Failed
	}
	switch {
	case delivered+failed == 0 || v.Delivery:
		return model.Signal{}
	case delivered >= failed:
		return signal(model.SignalDeliveries, "the same clients deliver to collectors (%s of %s deliveries): their own connections work",
			count(delivered), count(delivered+failed))
	default:
		return signal(model.SignalDeliveries, "the same clients hardly reach the collectors either (%s of %s deliveries failed)",
			count(failed), count(delivered+failed))
	}
}

// who describes the scope, such as " from AS64501 (Harbour Net) at 192.0.2.1:443".
func (v *view) who() string { return v.words(v.Scope) }

// words returns a scope in words that go on after a noun, such as " from SE over h3".
func (v *view) words(s Scope) string {
	var b strings.Builder
	add := func(word string, names []string) {
		if len(names) > 0 {
			b.WriteString(" " + word + " " + list(names))
		}
	}
	add("from", v.networks(s.ASNs))
	add("from", s.Countries)
	add("at", s.Servers)
	add("of version", s.Versions)
	add("on", s.Systems)
	add("over", s.Protocols)
	add("with status", numbers(s.Statuses))
	if v.Delivery {
		add("to", s.Collectors)
	} else {
		add("reported through", s.Collectors)
	}
	return b.String()
}

// networks returns networks with their names, such as "AS64501 (Harbour Net)".
func (v *view) networks(asns []uint32) (names []string) {
	for _, asn := range asns {
		name := "AS" + numbers([]uint32{asn})[0]
		if v.NetworkName != nil {
			if n := v.NetworkName(asn); n != "" {
				name += " (" + n + ")"
			}
		}
		names = append(names, name)
	}
	return names
}

// answered reports whether most failures are answers of a service that was reached.
func (v *view) answered() bool { return v.share(report.HTTPError, "grpc") >= most }
