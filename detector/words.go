package detector

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/heliograph-net/heliograph/model"
)

// maxNames is how many networks or servers a sentence names before it says "and 7 more".
const maxNames = 3

// title is one sentence: what, where, whom, how many.
func (d *SeriesDetector) title(i *model.Incident) string {
	return fmt.Sprintf("%s for %s%s: %s of %s %s fail, %s", i.Outcome, i.Target, d.scopeWords(i.Scope),
		whole(i.Failed), whole(max(i.Requests, i.Failed)), things(i), plural(i.Clients, "client"))
}

// things is what the numbers of an incident count.
func things(i *model.Incident) string {
	if i.App == model.DeliveryApp {
		return "deliveries"
	}
	return "requests"
}

// scopeWords starts with a space: " from AS64502 (Harbour Net)", " at 192.0.2.1:443", "
// from everyone".
func (d *SeriesDetector) scopeWords(s model.Scope) string {
	switch {
	case len(s.ASNs) > 0:
		names := make([]string, len(s.ASNs))
		for i, asn := range s.ASNs {
			names[i] = d.network(asn)
		}
		return " from " + list(names)
	case len(s.Servers) > 0:
		return " at " + list(s.Servers)
	case len(s.Countries) > 0:
		return " from " + list(s.Countries)
	default:
		return " from everyone"
	}
}

// network is "AS64502 (Harbour Net)".
func (d *SeriesDetector) network(asn uint32) string {
	if name := d.o.NetworkName(asn); name != "" {
		return fmt.Sprintf("AS%d (%s)", asn, name)
	}
	return fmt.Sprintf("AS%d", asn)
}

// evidence says why, the strongest signal first.
func (d *SeriesDetector) evidence(i *openIncident, main *group) []model.Signal {
	signals := []model.Signal{
		signal(model.SignalExcess, "%s of %s %s failed where %s %s to be expected", whole(i.Failed), whole(max(i.Requests, i.Failed)),
			things(&i.Incident), about(i.Expected), wasWere(i.Expected)),
	}
	if !i.Scope.Everyone() {
		rest := main.all.window()
		x, n := max(rest.x-i.Failed, 0), max(rest.n-i.Requests, 0)
		signals = append(signals, signal(model.SignalElsewhere, "elsewhere %s of %s failed in this way", whole(x), whole(n)))
	}
	signals = append(signals, breadth(i, main))
	if len(i.Also) > 0 {
		words := make([]string, len(i.Also))
		for k, o := range i.Also {
			words[k] = string(o)
		}
		signals = append(signals, signal(model.SignalOutcomes, "the same requests also failed with %s", list(words)))
	}
	return append(signals, d.probes(i, main)...)
}

func signal(code model.SignalCode, format string, args ...any) model.Signal {
	return model.Signal{Code: code, Text: fmt.Sprintf(format, args...)}
}

// breadth says how many clients and networks are hit.
func breadth(i *openIncident, main *group) model.Signal {
	networks := 0
	for p, s := range main.series {
		if w := s.window(); p.dim == model.ByASN && w.x > w.bound {
			networks++
		}
	}
	clients := plural(i.Clients, "distinct client") + " with failures"
	switch {
	case networks == 0: // none is known
		return signal(model.SignalBreadth, "%s", clients)
	case len(i.Scope.ASNs) == 1 || networks == 1:
		return signal(model.SignalBreadth, "%s, all of one network; they are told apart by tokens that they choose themselves", clients)
	default:
		return signal(model.SignalBreadth, "%s, %d networks above the expected", clients, networks)
	}
}

// probes says what the probes see of the servers that the failed requests went to.
func (d *SeriesDetector) probes(i *openIncident, main *group) []model.Signal {
	if d.o.Probes == nil {
		return nil
	}
	var up int
	var downs []string
	for _, server := range main.servers(i.Scope) {
		switch down, known := d.o.Probes.ServerDown(server); {
		case known && down:
			downs = append(downs, server)
		case known:
			up++
		}
	}
	switch {
	case len(downs) > 0:
		return []model.Signal{signal(model.SignalProbesDown, "probes find %d of %s concerned down: %s", len(downs),
			plural(len(downs)+up, "server"), list(downs))}
	case up > 0:
		return []model.Signal{signal(model.SignalProbesAnswer, "probes reach %s concerned: look at the path", plural(up, "server"))}
	default:
		return nil
	}
}

// servers are those of the scope, or else those at which there were more failures than expected;
// sorted by failures, 64 at most.
func (g *group) servers(s model.Scope) []string {
	if len(s.Servers) > 0 {
		return s.Servers
	}
	var hit []candidate
	for p, s := range g.series {
		if w := s.window(); p.dim == model.ByServer && w.x > w.bound {
			hit = append(hit, candidate{p, w})
		}
	}
	slices.SortFunc(hit, func(a, b candidate) int { return cmp.Or(cmp.Compare(b.x, a.x), cmp.Compare(a.name, b.name)) })
	names := make([]string, 0, min(len(hit), 64))
	for _, v := range hit[:cap(names)] {
		names = append(names, v.name)
	}
	return names
}

func list(names []string) string {
	if len(names) > maxNames+1 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNames], ", "), len(names)-maxNames)
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func whole(v float64) string { return fmt.Sprintf("%.0f", math.Round(v)) }

// about is a small number with one digit after the point, a large one without.
func about(v float64) string {
	switch {
	case v < 0.1:
		return "hardly any"
	case v < 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return whole(v)
	}
}

func wasWere(v float64) string {
	if v < 0.1 {
		return "was"
	}
	return "were"
}
