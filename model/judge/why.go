package judge

import (
	"fmt"

	"github.com/heliograph-net/heliograph/model"
)

// reasons is the most sentences of one kind.
const reasons = 3

// why returns the reasons for a judgement.
func (v *view) why(s State) []string {
	why := []string{}
	add := func(sentence string) {
		if sentence != "" {
			why = append(why, sentence)
		}
	}
	for _, sentence := range v.Blindness.Blind {
		add(sentence)
	}
	switch s {
	case Incident: // the headline names the first
		for _, i := range v.open[1:min(len(v.open), 1+reasons)] {
			add(i.Title)
		}
	case Silent:
		for _, sum := range v.failing[:min(len(v.failing), reasons)] {
			add(v.fails(sum))
		}
	default: // the headline names the first
		for _, sum := range v.failing[min(len(v.failing), 1):min(len(v.failing), 1+reasons)] {
			add(v.fails(sum))
		}
	}
	if s == Silent || s == Incident && v.silent() {
		add(v.silence())
	}
	for _, sentence := range v.Blindness.Impaired {
		add(sentence)
	}
	for _, sentence := range v.deliveries(s) {
		add(sentence)
	}
	for _, i := range v.noted[:min(len(v.noted), reasons)] {
		add(note(&i) + ": " + i.Title)
	}
	add(v.numbers())
	if v.FailingNetworks > 0 && s != Incident {
		add(fmt.Sprintf("%s of %s failing now", count(float64(v.FailingNetworks)), plural(float64(max(v.Networks, v.FailingNetworks)), "network")))
	}
	add(v.probes())
	return why
}

// note says why an incident alerts nobody.
func note(i *model.Incident) string {
	switch {
	case i.Verdict == model.VantageSilent:
		return "a prober is silent"
	case i.Verdict == model.BudgetBurns:
		return "an error budget is spent too fast"
	case i.Late:
		return "told late, of the past"
	case i.Verdict == model.TooThin:
		return "too little is known"
	case i.Verdict == model.LastMile:
		return "the clients' own connections"
	case i.Verdict == model.Forged:
		return "reports that look made up"
	default:
		return "alerts nobody"
	}
}

// deliveries says which reports do not reach a collector.
func (v *view) deliveries(s State) (why []string) {
	if v.degraded() && s != DegradedDelivery {
		why = append(why, v.delivery())
	}
	for _, i := range v.delivers[:min(len(v.delivers), reasons)] {
		why = append(why, i.Title)
	}
	for _, sum := range v.Collectors {
		if sum.stopped() {
			why = append(why, fmt.Sprintf("%s of %s to %s failed", count(sum.Failed), plural(sum.OK+sum.Failed, "delivery"), sum.Name))
		}
	}
	return why
}

// silence says for how long there have been no reports.
func (v *view) silence() string {
	if v.Heard.IsZero() {
		return "nothing was heard for more than " + span(v.Horizon)
	}
	return "nothing was heard for " + span(v.Now.Sub(v.Heard))
}

// numbers describes the sum over all targets: "101 requests in 15 min, 1.0 % failed, 2 networks".
func (v *view) numbers() string {
	all := v.total()
	requests := all.OK + all.Failed
	if requests == 0 {
		return ""
	}
	sentence := fmt.Sprintf("%s in %s, %s failed", plural(requests, "request"), span(v.Window), share(all.Failed, requests))
	if v.Networks > 0 {
		sentence += ", " + plural(float64(v.Networks), "network")
	}
	return sentence
}

// probes describes the servers: "3 servers: 1 down, 1 of unknown state".
func (v *view) probes() string {
	s := v.Servers
	switch {
	case s.count() == 0:
		return ""
	case s.Down > 0 && s.Unknown > 0:
		return fmt.Sprintf("%s: %s down, %s of unknown state", plural(float64(s.count()), "server"), count(float64(s.Down)), count(float64(s.Unknown)))
	case s.Down > 0:
		return fmt.Sprintf("%s: %s down", plural(float64(s.count()), "server"), count(float64(s.Down)))
	case s.Unknown > 0:
		return fmt.Sprintf("%s: %s of unknown state", plural(float64(s.count()), "server"), count(float64(s.Unknown)))
	default:
		return plural(float64(s.count()), "server") + " up"
	}
}
