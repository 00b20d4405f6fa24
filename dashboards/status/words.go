package status

import (
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// verdictWords are what is said about incidents of which no operator has said anything. Verdicts
// that are not here are not about the service, or not sure enough for the public.
var verdictWords = map[model.Verdict]string{
	model.ServiceDown: "could not be reached.",
	model.ServerGroup: "could not be reached by some users: one of its servers failed.",
	model.NetworkPath: "could not be reached from some networks.",
	model.DNS:         "could not be found by some users: its name did not resolve.",
	model.Certificate: "was refused by browsers and apps because of its certificate.",
	model.Release:     "failed in one version of the app.",
	model.Protocol:    "failed for some users.",
}

// maxNetworks is the most networks that are named.
const maxNetworks = 5

// lasting reports whether an incident is sure and long enough to be shown without an operator's
// words.
func lasting(i *model.Incident, now time.Time) bool {
	until := i.Until
	if i.Open() {
		until = now
	}
	return verdictWords[i.Verdict] != "" && !i.Late && until.Sub(i.Since) >= shortest
}

// words says what happened, without anything about clients or servers.
func (s *Settings) words(i *model.Incident) string {
	name := s.serviceOf(i.Target)
	if name == "" {
		name = "A service"
	}
	text := name + " " + verdictWords[i.Verdict]
	if i.Verdict == model.NetworkPath && s.Networks && s.NetworkName != nil {
		if names := s.networks(i.Scope.ASNs); len(names) > 0 {
			text = name + " could not be reached from " + strings.Join(names, ", ") + "."
		}
	}
	if i.Open() {
		text = strings.NewReplacer("could not", "cannot", " was refused", " is refused", " failed", " fails", "did not resolve", "does not resolve").Replace(text)
	}
	return text
}

// networks names those of which a name is known.
func (s *Settings) networks(asns []uint32) (names []string) {
	for _, asn := range asns {
		if name := s.NetworkName(asn); name != "" && !slices.Contains(names, name) && len(names) < maxNetworks {
			names = append(names, name)
		}
	}
	return names
}
