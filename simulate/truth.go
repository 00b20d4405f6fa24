package simulate

import (
	"slices"

	"github.com/heliograph-net/heliograph/model"
)

// Truth is what one fault or flood really was.
type Truth struct {
	Start   int64  `json:"start"` // Unix milliseconds
	End     int64  `json:"end"`
	Outcome string `json:"outcome"` // the most frequent outcome
	Scope   Scope  `json:"scope"`
	Verdict string `json:"verdict"`
}

// Scope says who was hit, in the form of a replay's events: an AND over its keys, an OR over each
// list. The zero Scope means everyone.
type Scope struct {
	ASN       []uint32 `json:"asn,omitempty"`
	Server    []string `json:"server,omitempty"`
	Country   []string `json:"country,omitempty"`
	Version   []string `json:"version,omitempty"`
	OS        []string `json:"os,omitempty"`
	Protocol  []string `json:"protocol,omitempty"`
	Collector []string `json:"collector,omitempty"`
}

// Truths returns the faults and floods of a scenario with a seed, in the order of their start.
// Faults of vantages are left out, because they are not faults of the service.
func Truths(s *Scenario, seed uint64) []Truth {
	w := newWorld(s, seed)
	var all []Truth
	for _, f := range w.faults {
		if len(f.Fault.Vantages) > 0 {
			continue
		}
		t := Truth{Start: f.start, End: f.end, Outcome: string(f.outcomes[0]), Scope: f.scope.scope(), Verdict: f.Verdict}
		if f.Collector != "" {
			t.Scope.Collector = []string{f.Collector}
		}
		all = append(all, t)
	}
	for _, f := range w.floods {
		all = append(all, Truth{Start: f.start, End: f.end, Outcome: f.Outcome, Scope: f.scope.scope(), Verdict: string(model.Forged)})
	}
	slices.SortStableFunc(all, func(a, b Truth) int { return int(a.Start - b.Start) })
	return all
}

func (p *Pick) scope() Scope {
	return Scope{ASN: p.ASN, Server: p.Server, Country: p.Country, Version: p.Version, OS: p.OS, Protocol: p.Protocol, Collector: p.Collector}
}
