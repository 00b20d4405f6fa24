package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
)

// How long before an expiry Judge warns, and how far a collector's clock may be off. Collectors
// date reports by their own clock.
const (
	expiresSoon    = 14 * 24 * time.Hour
	policyOld      = 365 * 24 * time.Hour
	clockTolerance = 5 * time.Second
)

// Judge compares collectors with the service and with one another. It is pure: the same facts give
// the same findings.
func Judge(service, collectors []Facts, p *policy.Policy, now time.Time) []Finding {
	all, unseen := judgeService(service)
	for i := range collectors {
		c := &collectors[i]
		before := len(all)
		for j := range service {
			all = append(all, shared(c, &service[j], Bad)...)
		}
		for j := range collectors[:i] {
			all = append(all, shared(c, &collectors[j], Warning)...)
		}
		all = append(all, health(c, now)...)
		switch {
		case len(all) > before:
		case unseen:
			all = append(all, Finding{Unsure, c.Name, "answers, and shares nothing of what could be looked up: not everything could"})
		default:
			all = append(all, Finding{Good, c.Name, "shares nothing with the service nor with another collector, and answers"})
		}
	}
	if len(collectors) == 1 {
		all = append(all, Finding{Warning, "policy", "names one collector only: when it is away, agents wait"})
	}
	return append(all, judgePolicy(p, now)...)
}

// judgeService returns findings about what could not be looked up about the service. unseen is true
// if so little is known that nothing can be compared with it.
func judgeService(service []Facts) (all []Finding, unseen bool) {
	for i := range service {
		s := &service[i]
		for _, f := range s.Faults {
			all = append(all, Finding{Bad, s.Name, f + ": nothing can be compared with it"})
		}
		for _, u := range s.Unknown {
			all = append(all, Finding{Unsure, s.Name, u})
		}
		unseen = unseen || len(s.Faults)+len(s.Unknown) > 0
	}
	return all, unseen
}

// shared returns findings about what a collector and another host have in common.
func shared(c, other *Facts, severity Severity) []Finding {
	var all []Finding
	say := func(format string, args ...any) {
		all = append(all, Finding{severity, c.Name, fmt.Sprintf(format, args...) + " with " + other.Name})
	}
	if common := intersect(c.Addresses, other.Addresses); len(common) > 0 {
		say("shares the address %v", common[0])
	} else if common := intersect(c.prefixes(), other.prefixes()); len(common) > 0 {
		say("shares the prefix %v", common[0])
	}
	if common := intersect(c.ASNs, other.ASNs); len(common) > 0 {
		say("shares the autonomous system AS%d", common[0])
	}
	if c.Domain != "" && c.Domain == other.Domain {
		say("shares the domain %s", c.Domain)
	}
	if common := intersect(c.NameServers, other.NameServers); len(common) > 0 {
		say("shares the name server %s", common[0])
	}
	if c.Authority != "" && c.Authority == other.Authority {
		// If an authority fails, there are no new certificates, but those in use stay valid. So
		// this is a weakness, not a present fault.
		all = append(all, Finding{Warning, c.Name, "shares the certificate authority " + c.Authority + " with " + other.Name})
	}
	return all
}

func intersect[T comparable](a, b []T) []T {
	var common []T
	for _, v := range a {
		if slices.Contains(b, v) {
			common = append(common, v)
		}
	}
	return common
}

// health returns findings about what is wrong with a collector itself.
func health(c *Facts, now time.Time) []Finding {
	var all []Finding
	for _, f := range c.Faults {
		all = append(all, Finding{Bad, c.Name, f})
	}
	for _, u := range c.Unknown {
		all = append(all, Finding{Unsure, c.Name, u})
	}
	if left := c.Expires.Sub(now); !c.Expires.IsZero() && left < expiresSoon {
		severity := Warning
		if left <= 0 {
			severity = Bad
		}
		all = append(all, Finding{severity, c.Name, "its certificate expires on " + c.Expires.UTC().Format(time.DateOnly)})
	}
	if c.ClockOffset.Abs() > clockTolerance {
		all = append(all, Finding{Warning, c.Name, fmt.Sprintf("its clock differs from ours by %v: reports are dated by it", c.ClockOffset.Round(time.Second))})
	}
	return all
}

// judgePolicy returns findings about the policy itself.
func judgePolicy(p *policy.Policy, now time.Time) []Finding {
	var all []Finding
	say := func(s Severity, text string) { all = append(all, Finding{s, "policy", text}) }
	expires := time.Unix(p.Expires, 0)
	switch {
	case p.Disabled:
		say(Bad, "is disabled: agents record nothing")
	case p.Expired(now):
		say(Bad, "has expired on "+expires.UTC().Format(time.DateOnly)+": agents record counts at most; sign a new one")
	case expires.Sub(now) < expiresSoon:
		say(Warning, "expires on "+expires.UTC().Format(time.DateOnly)+"; sign a new one")
	}
	if now.Sub(time.Unix(p.Issued, 0)) > policyOld {
		say(Warning, "is over a year old: think of new keys")
	}
	for _, c := range p.Collectors {
		if len(c.Addresses) == 0 && !strings.HasPrefix(c.URL, "http://") {
			say(Warning, "gives collector "+c.ID+" no fallback addresses: with its name unresolvable, agents cannot reach it")
		}
	}
	if len(all) == 0 {
		say(Good, "is in force until "+expires.UTC().Format(time.DateOnly))
	}
	return all
}
