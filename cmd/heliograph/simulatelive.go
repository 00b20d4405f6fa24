package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/live"
	"github.com/heliograph-net/heliograph/internal/netaddr"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/simulate"
)

// deliver sends the reports to collectors and prints what became of them. The exit code is 1 if a
// report was not delivered.
func (s *simulateCmd) deliver(ctx context.Context, scenario *simulate.Scenario, out *output) error {
	_, policy, err := readPolicy(s.Policy)
	if err != nil {
		return fmt.Errorf("--policy: %w", err)
	}
	collectors, err := s.collectors(policy)
	if err != nil {
		return &exitError{exitUsage, err.Error()}
	}
	authorities, err := authorities(s.CA)
	if err != nil {
		return err
	}
	var truth error
	begin := func(start time.Time) {
		fmt.Fprintf(out.stderr, "the scenario is from %s to %s\n", start.UTC().Format(time.RFC3339), start.Add(scenario.Duration.Duration).UTC().Format(time.RFC3339))
		if s.Truth != "" {
			truth = s.writeTruth(scenario, start.Sub(scenario.Start.Time))
		}
	}
	simulation, err := live.New(live.Options{Scenario: scenario, Seed: s.Seed, Policy: policy, Collectors: collectors, Speed: s.Speed, Begin: begin,
		RootCAs: authorities, Connections: s.Connections})
	if err != nil {
		return &exitError{exitUsage, err.Error()}
	}
	err = whileWorking(out.stderr, simulation.Progress, func() error { return simulation.Run(ctx) })
	err = errors.Join(err, truth)
	result := simulation.Result()
	interrupted := errors.Is(err, context.Canceled)
	if err != nil && !interrupted {
		return err
	}
	if s.JSON {
		err = out.json(result)
	} else {
		_, err = fmt.Fprintln(out.stdout, result.String())
	}
	switch {
	case err != nil:
		return err
	case interrupted:
		return &exitError{exitFailed, "interrupted before the scenario was over"}
	case result.Lost() > 0:
		return &exitError{exitFailed, fmt.Sprintf("%d reports were not delivered", result.Lost())}
	}
	return nil
}

// collectors returns the collectors of the policy that --to names, if reports may be sent there.
func (s *simulateCmd) collectors(p *policy.Policy) (all []policy.Collector, err error) {
	for _, name := range s.To {
		i := slices.IndexFunc(p.Collectors, func(c policy.Collector) bool { return c.ID == name || c.URL == strings.TrimSuffix(name, "/") })
		if i < 0 {
			var known []string
			for _, c := range p.Collectors {
				known = append(known, c.ID+" "+c.URL)
			}
			return nil, fmt.Errorf("--to: %s is not among the collectors of %s: %s", name, s.Policy, strings.Join(known, ", "))
		}
		if err := s.mayTake(&p.Collectors[i]); err != nil {
			return nil, err
		}
		all = append(all, p.Collectors[i])
	}
	return all, nil
}

// mayTake returns an error unless a collector is on this machine or allowed by --allow.
func (s *simulateCmd) mayTake(c *policy.Collector) error {
	u, err := url.Parse(c.URL)
	if err != nil {
		return fmt.Errorf("--to: %s: %w", c.ID, err)
	}
	if host := u.Hostname(); !netaddr.LoopbackHost(host) && !slices.Contains(s.Allow, host) {
		return fmt.Errorf("--to: collector %s is on another machine, and its detector would count and judge what is invented like the reports of users: "+
			"if it is there for tests, add --allow %s", c.ID, host)
	}
	return nil
}
