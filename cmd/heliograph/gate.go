package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
)

type gateCmd struct {
	apiFlag
	App     string        `required:"" help:"Application, as its agent names it."`
	Version string        `required:"" help:"The release to judge." placeholder:"VERSION"`
	Against string        `required:"" help:"The release to compare it with, among the same networks." placeholder:"VERSION"`
	Bake    spanFlag      `help:"How long to watch a release that is not worse." default:"30m" placeholder:"SPAN"`
	Since   spanFlag      `help:"How long ago the release began, when the gate is asked later." placeholder:"SPAN"`
	Every   time.Duration `help:"Time between two looks." default:"15s"`
	Error   float64       `help:"Probability of stopping a release that is no worse, over all looks together." default:"0.01"`
	Detect  float64       `help:"The difference, in share of requests, that a healthy release is shown not to have." default:"0.02"`
	JSON    bool          `name:"json" help:"Print the last answer as JSON."`
}

// longestBake is how long a release is watched at most: minutes are kept for a day.
const longestBake = 23 * time.Hour

// check returns what is wrong with the question, which is known before anybody is asked.
func (g *gateCmd) check() error {
	switch {
	case g.App == "" || g.Version == "" || g.Against == "":
		return errors.New("--app, --version, --against: must not be empty")
	case g.Version == g.Against:
		return errors.New("--against: must be another version than --version")
	case g.Every < time.Second:
		return errors.New("--every: must be at least a second")
	case max(time.Duration(g.Bake), time.Duration(g.Since)) > longestBake:
		return errors.New("--bake, --since: must be at most 23h, because minutes are kept for a day")
	}
	for name, share := range map[string]float64{"--error": g.Error, "--detect": g.Detect} {
		if !(share > 0 && share < 1) {
			return errors.New(name + ": must be above 0 and below 1, such as 0.01")
		}
	}
	return nil
}

// rollupLag is how long the detector may take until a minute is in its sums.
const rollupLag = 2 * time.Minute

// Run watches the release until it is found to be worse, or the bake time is over.
func (g *gateCmd) Run(ctx context.Context, out *output) error {
	client, err := g.client()
	if err == nil {
		err = g.check()
	}
	if err != nil {
		return &exitError{exitUsage, err.Error()} // exitFailed would stop the release
	}
	began := time.Now().Add(-time.Duration(g.Since))
	end := began.Add(time.Duration(g.Bake))
	var last *api.Gate
	for {
		answer, err := client.Gate(ctx, api.GateQuery{App: g.App, Version: g.Version, Against: g.Against, Since: max(time.Since(began), time.Minute).Truncate(time.Second),
			Error: g.Error, Detect: g.Detect})
		switch {
		case err == nil:
			last = &answer
		case ctx.Err() != nil:
			return &exitError{exitUnsound, "interrupted before the release could be judged"}
		case refused(err):
			return &exitError{exitUsage, explain(err).Error()}
		default:
			last = nil
			fmt.Fprintln(out.stderr, "not answered, asking again:", explain(err))
		}
		if last != nil && last.State == api.GateWorse || !time.Now().Before(end) && (settled(last) || !time.Now().Before(end.Add(rollupLag))) {
			return g.tell(out, last)
		}
		select {
		case <-ctx.Done():
		case <-time.After(g.Every):
		}
	}
}

// settled reports whether waiting for the last minutes to be summed would change nothing.
func settled(last *api.Gate) bool { return last != nil && last.State == api.GateHealthy }

// refused reports whether an error says that the question is wrong, or may not be asked, so that
// asking again is in vain.
func refused(err error) bool {
	fault, ok := errors.AsType[*api.Error](err)
	return ok && slices.Contains([]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, fault.Status)
}

// tell prints the last answer and returns the exit code.
func (g *gateCmd) tell(out *output, last *api.Gate) error {
	if last == nil {
		return &exitError{exitUnsound, "the detector did not answer at last, so nothing is known of the release"}
	}
	if g.JSON {
		if err := out.json(last); err != nil {
			code := exitUnsound
			if last.State == api.GateWorse {
				code = exitFailed // it must stop, whether or not anybody can read why
			}
			return &exitError{code, fmt.Sprintf("%s, but that could not be printed: %v", last.State, err)}
		}
	} else {
		fmt.Fprintf(out.stdout, "%s: %s\n", last.State, printable(last.Title))
		for _, t := range last.Tests {
			fmt.Fprintf(out.stdout, "  %s: %.0f in %.0f requests, %.0f in %.0f before: %+.2f %% (%+.2f to %+.2f)\n", t.Name, t.Troubles, t.Requests,
				t.AgainstTroubles, t.AgainstRequests, 100*t.Difference, 100*t.Low, 100*t.High)
		}
	}
	switch last.State {
	case api.GateWorse:
		return &exitError{code: exitFailed}
	case api.GateHealthy:
		return nil
	default:
		return &exitError{code: exitUnsound}
	}
}
