package verdict

import "github.com/heliograph-net/heliograph/model"

// The following functions return the reasons of each rule. The first sentence says what to
// conclude.

func (v *view) whyForged() []model.Signal {
	r := &v.Reporters
	s := []model.Signal{signal(model.SignalSources, "%s of the failures are reported by one source (%s claimed), and no other source confirms them",
		percent(r.Loudest), plural(v.Breadth.Clients, "client"))}
	switch {
	case r.Fresh >= most:
		s = append(s, signal(model.SignalSurge, "%s of the failures come from sources that had never reported before", percent(r.Fresh)))
	case r.Surge >= surge:
		s = append(s, signal(model.SignalSurge, "these sources report %.0f times as many requests as usual", r.Surge))
	default:
		s = append(s, signal(model.SignalSurge, "one address prefix claims to be %s", plural(r.Tokens, "client")))
	}
	return s
}

func (v *view) whyCollector() []model.Signal {
	if !v.Delivery {
		return []model.Signal{signal(model.SignalScope, "only reports that came through %s tell of failures: suspect the collector, not the service", list(v.Scope.Collectors))}
	}
	var failing []string
	working := 0
	for _, c := range v.Collectors {
		if c.Failed > c.Delivered {
			failing = append(failing, c.ID)
		} else {
			working++
		}
	}
	switch {
	case len(failing) == 0:
		return []model.Signal{v.inside()}
	case working > 0:
		return []model.Signal{signal(model.SignalDeliveries, "most deliveries to %s fail, and reports arrive by %s: no report is lost", list(failing), plural(working, "other collector"))}
	default:
		return []model.Signal{signal(model.SignalDeliveries, "most deliveries to all collectors fail (%s): clients keep their reports", list(failing))}
	}
}

func (v *view) whyLastMile() []model.Signal {
	c := &v.Clients
	s := []model.Signal{signal(model.SignalEverywhere, "%s of the clients that are hit failed at each of %s, and %s have recovered",
		percent(c.Everywhere), plural(c.Targets, "target"), percent(c.Recovered))}
	if c.Offline >= most {
		return append(s, signal(model.SignalDeliveries, "%s of them reached no collector either until they recovered", percent(c.Offline)))
	}
	return append(s, signal(model.SignalElsewhere, "they are %s of %s active ones; the others in the same networks fare as usual",
		count(float64(v.Breadth.Clients)), plural(c.Active, "client")))
}

func (v *view) whyTooThin() []model.Signal {
	s := []model.Signal{signal(model.SignalMissing, "too little to act on: %s", list(v.missing()))}
	if v.Clients.Looping >= most {
		s = append(s, signal(model.SignalSurge, "%s of the failures are of clients that retry in a loop, far more often than clients usually ask; so clients count, not failures",
			percent(v.Clients.Looping)))
	}
	return s
}

// missing says which evidence is too little for an alert.
func (v *view) missing() (what []string) {
	b, n := v.Breadth, v.Needed
	lack := func(have, need int, noun string) {
		if have < need {
			what = append(what, plural(have, noun)+" of the "+count(float64(need))+" needed")
		}
	}
	lack(b.Clients, n.Clients, "client")
	lack(b.Buckets, n.Buckets, "address prefix")
	if len(v.Scope.ASNs) == 0 {
		lack(b.Networks, n.Networks, "network")
	}
	if x := v.Inside.excess(); x < v.NeededExcess {
		what = append(what, count(max(x, 0))+" failures beyond expectation of the "+count(v.NeededExcess)+" needed")
	}
	return append(what, v.Missing...)
}

func (v *view) whySlow() []model.Signal {
	beyond := "longer than usual"
	if v.SlowerThan > 0 {
		beyond = "longer than " + model.DurationWords(v.SlowerThan)
	}
	return []model.Signal{signal(model.SignalScope, "%s of the requests%s take %s, usually %s; they succeed", percent(min(v.Inside.Failed/max(v.Inside.Requests, 1), 1)), v.who(), beyond, percent(v.UsuallySlow)),
		v.inside()}
}

func (v *view) whyRelease() []model.Signal {
	rest, systems := v.Scope, ""
	rest.Versions, rest.Systems = nil, nil
	if len(v.Scope.Systems) > 0 {
		systems = " on " + list(v.Scope.Systems)
	}
	scope := signal(model.SignalScope, "%s clients with version %s%s%s fail: stop its rollout, or go back", v.soFar(), list(v.Scope.Versions), systems, v.words(rest))
	if len(v.Scope.Versions) == 0 {
		scope = signal(model.SignalScope, "%s clients%s%s fail: look for what is different there", v.soFar(), systems, v.words(rest))
	}
	return []model.Signal{scope, v.inside(), v.elsewhere()}
}

func (v *view) whyDNS() []model.Signal {
	if v.share("dns") >= most && !v.redirected() {
		return []model.Signal{signal(model.SignalScope, "names do not resolve%s: look at the zone, its name servers and the resolvers", v.who()), v.outcomes()}
	}
	if v.hijacked() {
		return []model.Signal{signal(model.SignalScope, "only clients from %s are sent to servers that nobody asked before: somebody else may answer for the names",
			list(append(v.networks(v.Scope.ASNs), v.Scope.Countries...))), v.outcomes()}
	}
	return []model.Signal{signal(model.SignalScope, "names resolve to addresses whose certificates do not fit%s: somebody else may answer for them", v.who()), v.outcomes()}
}

func (v *view) whyCertificate() []model.Signal {
	return []model.Signal{signal(model.SignalScope, "clients reject the certificate%s: look at its dates, names and chain", v.who()), v.outcomes()}
}

func (v *view) whyProtocol() []model.Signal {
	if len(v.Scope.Protocols) > 0 {
		rest := v.Scope
		rest.Protocols = nil
		return []model.Signal{signal(model.SignalScope, "%s requests over %s%s fail; the other protocols work", v.soFar(), list(v.Scope.Protocols), v.words(rest)), v.inside(), v.elsewhere()}
	}
	t := v.failing()
	return []model.Signal{signal(model.SignalScope, "%s of the failures are of %s", percent(v.share(t.outcomes...)), t.name), v.outcomes()}
}

func (v *view) whyServers() []model.Signal {
	if v.probesDown() {
		return []model.Signal{v.probes(), v.inside()}
	}
	return []model.Signal{signal(model.SignalScope, "%s requests to %s fail, from wherever they come", v.soFar(), list(v.Scope.Servers)), v.inside(), v.elsewhere()}
}

func (v *view) whyPath() []model.Signal {
	from := list(append(v.networks(v.Scope.ASNs), v.Scope.Countries...))
	if v.answered() {
		return []model.Signal{signal(model.SignalScope, "%s requests from %s fail, and they are answered: look for what refuses these clients", v.soFar(), from), v.inside(), v.elsewhere()}
	}
	if len(v.Scope.Servers) > 0 {
		return []model.Signal{signal(model.SignalScope, "%s cannot be reached from %s, and can from elsewhere", list(v.Scope.Servers), from), v.inside(), v.elsewhere()}
	}
	if v.Wider {
		return []model.Signal{signal(model.SignalScope, "%s requests from %s fail: the path from there is at fault, too", v.soFar(), from), v.inside(), v.elsewhere()}
	}
	return []model.Signal{signal(model.SignalScope, "%s requests from %s fail: the path from there is at fault, not the service", v.soFar(), from), v.inside(), v.elsewhere()}
}

func (v *view) whyService() []model.Signal {
	rate := v.Inside.excess() / max(v.Inside.Requests, 1)
	if v.Scope.network() {
		return []model.Signal{v.probes(), v.inside()}
	}
	if rate < most {
		if v.Early {
			return []model.Signal{signal(model.SignalScope, "a part of the requests fails, and so far nobody stands out"), v.inside()}
		}
		return []model.Signal{signal(model.SignalScope, "a part of the requests fails, for everyone alike"), v.inside()}
	}
	if v.Early {
		return []model.Signal{signal(model.SignalScope, "most requests fail, and so far nobody stands out"), v.inside()}
	}
	return []model.Signal{signal(model.SignalScope, "the service fails for everyone"), v.inside()}
}
