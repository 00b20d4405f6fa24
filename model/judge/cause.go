package judge

import (
	"fmt"
	"strings"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Cause says in one sentence what is at fault according to the verdict of an incident, and for
// whom. It returns "" for a verdict that names no fault of an application's service. Of the facts
// it needs Servers and the names.
func Cause(f Facts, i *model.Incident) string {
	v := view{Facts: f}
	return v.cause(i)
}

// cause says in one sentence what is at fault according to the verdict, and for whom. It returns ""
// for a verdict that names no fault of an application's service.
func (v *view) cause(i *model.Incident) string {
	target, whom := bare(i.Target), i.Scope.Words(v.NetworkName)
	switch i.Verdict {
	case model.ServiceDown:
		return target + " " + extent(i) + " " + whom
	case model.ServerGroup:
		return v.serversFail(i, target)
	case model.NetworkPath:
		return v.cannotReach(i, target)
	case model.DNS:
		if i.Outcome.Under("dns") && i.Outcome != report.DNSAddressChanged {
			return "The name " + target + " does not resolve " + whom
		}
		return target + " resolves to wrong addresses " + whom
	case model.Certificate:
		return "The certificate of " + target + " is rejected " + whom
	case model.SlowAnswers:
		return i.SlowWords(v.NetworkName)
	case model.Release, model.Protocol:
		return target + " fails " + whom
	default:
		return ""
	}
}

// extent says whether the requests of an incident fail wholly or in part.
func extent(i *model.Incident) string {
	if i.Failed >= mostShare*i.Requests {
		return "is down"
	}
	return "fails in part"
}

// serversFail names the servers that are at fault: "Server east-b-2 is down".
func (v *view) serversFail(i *model.Incident, target string) string {
	elsewhere := i.Scope
	elsewhere.Servers = nil
	whom := ""
	if !elsewhere.Everyone() {
		whom = " " + elsewhere.Words(v.NetworkName)
	}
	var names []string
	for _, address := range i.Scope.Servers {
		names = append(names, v.serverName(address))
	}
	switch {
	case len(names) == 0:
		return "Some servers of " + target + " are down" + whom
	case len(names) == 1:
		return "Server " + names[0] + " " + extent(i) + whom
	default:
		return "Servers " + list(names) + " " + strings.NewReplacer("is down", "are down", "fails", "fail").Replace(extent(i)) + whom
	}
}

// serverName returns the name of the server at an address, or the address.
func (v *view) serverName(address string) string {
	if v.ServerName != nil {
		if name := v.ServerName(address); name != "" {
			return name
		}
	}
	return address
}

// cannotReach names the networks or countries whose path is at fault, and says what the probers
// hold of the servers: "Ridge Mobile (AS64502) cannot reach shop.example; your servers are up".
func (v *view) cannotReach(i *model.Incident, target string) string {
	who := "Clients " + i.Scope.Words(v.NetworkName)
	if only := (model.Scope{ASNs: i.Scope.ASNs}); only.Equal(i.Scope) && len(only.ASNs) > 0 {
		who = strings.TrimPrefix(only.Words(v.NetworkName), "from ")
	}
	verb := " cannot reach "
	if i.Failed < mostShare*i.Requests {
		verb = " often cannot reach "
	}
	switch s := v.Servers; {
	case s.Up > 0 && s.Down == 0:
		return who + verb + target + "; your servers are up"
	case s.Down > 0:
		return fmt.Sprintf("%s%s%s; %s of %s down", who, verb, target, count(float64(s.Down)), plural(float64(s.count()), "server"))
	default:
		return who + verb + target
	}
}

// who says how many are hit: "30 clients in 1 network", "90 clients in 12 networks, everywhere".
func (v *view) who(i *model.Incident) string {
	hit := plural(float64(i.Clients), "client")
	if i.Networks > 0 {
		hit += " in " + plural(float64(i.Networks), "network")
	}
	if i.Scope.Everyone() {
		hit += ", everywhere"
	}
	return hit
}

// bare returns an origin as people call it, without the scheme of nearly all.
func bare(target string) string { return strings.TrimPrefix(target, "https://") }
