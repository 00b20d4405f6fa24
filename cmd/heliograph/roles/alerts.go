package roles

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/model"
)

// stuckAfter is how long the detector may judge no bin, beyond what its settings explain, before
// the process counts as unable to alert and the watchdog alert stops.
const stuckAfter = 2 * time.Minute

// addAlerts adds what sends alerts. Without receivers it only waits for a configuration that has
// some.
func (p *Process) addAlerts(c *Config, state detector.State) error {
	s, err := alertSettings(c)
	if err != nil {
		return err
	}
	watch := &pulse{state: state, vantage: p.detector.VantageHeard, store: p.Store, began: time.Now(), checks: p, silentAfter: c.Alerts.SilentAfter.Duration,
		late: 3*c.Detector.Bin.Duration + c.Detector.Grace.Duration + stuckAfter}
	watch.vantages.Store(&c.Detector.Vantages)
	o := alerts.Options{Store: outbox{state}, Acknowledged: acknowledged(state), Muted: Muted(state, p.probes), Settings: s, Alive: watch.alive, Problems: watch.problems, Logger: p.log, Metrics: p.metrics}
	o.Attempted = func(a alerts.Attempt) {
		p.attempts.note(a)
		if p.telemetry != nil {
			p.telemetry.Alert(a)
		}
	}
	if err := p.addLedger(c, &o); err != nil {
		return err
	}
	n, err := alerts.New(o)
	if err != nil {
		return err
	}
	known := p.detector.ServersKnown()
	p.parts.Add(endWork, lifecycle.Part{Name: "alerts", Run: func(ctx context.Context) error {
		await(ctx, known, serversWithin)
		return n.Run(ctx)
	}})
	p.reloads.add("alerts", func(next *Config) ([]any, error) {
		s, err := alertSettings(next)
		if err == nil {
			err = n.Reload(s)
		}
		if err == nil {
			watch.vantages.Store(&next.Detector.Vantages)
		}
		return []any{"receivers", len(s.Receivers)}, err
	})
	p.reloads.fix(map[string]func(*Config) any{
		"alerts.silent_after": func(c *Config) any { return c.Alerts.SilentAfter },
		"alerts.ledger":       func(c *Config) any { return c.Alerts.Ledger },
	})
	return nil
}

// serversWithin is how long alerts wait at most, after a start, for the names and places of servers.
// Without them, what is muted by a name or a place would be told.
const serversWithin = 10 * time.Second

// await waits until something is ready, for a time at most.
func await(ctx context.Context, ready <-chan struct{}, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-ready:
	case <-timer.C:
	case <-ctx.Done():
	}
}

func alertSettings(c *Config) (s alerts.Settings, err error) {
	a := &c.Alerts
	s = alerts.Settings{For: a.For.Duration, Repeat: a.Repeat.Duration, Update: a.Update.Duration, Page: a.Page, Runbooks: a.Runbooks}
	s.Receivers, err = c.receivers()
	return s, err
}

// acknowledged returns a function that tells which incidents somebody has taken over.
func acknowledged(state detector.State) func(context.Context, []int64) ([]int64, error) {
	return func(ctx context.Context, incidents []int64) (taken []int64, err error) {
		all, err := state.Journals(ctx, incidents)
		for i := range all {
			if all[i].Acknowledged() != nil {
				taken = append(taken, all[i].Incident)
			}
		}
		return taken, err
	}
}

// mutesRemembered is how long after its end a mute by scope is known to the notifier, which tells
// receivers again of what it had covered.
const mutesRemembered = 24 * time.Hour

// Muted returns a function that tells which incidents are or were muted last, themselves or by
// scope, for [alerts.Options.Muted]. servers, which may be nil, gives servers names and places.
func Muted(state detector.State, servers *heatmap.Map) func(context.Context, []int64) (map[int64]alerts.Mute, error) {
	return func(ctx context.Context, incidents []int64) (map[int64]alerts.Mute, error) {
		all, err := state.Journals(ctx, incidents)
		if err != nil {
			return nil, err
		}
		mutes := map[int64]alerts.Mute{}
		for i := range all {
			j := &all[i]
			if until := j.MutedUntil(); !until.IsZero() {
				m := alerts.Mute{Until: until}
				if n := j.Mute(); n != nil {
					m.Who, m.Reason = n.Who, n.Text
				}
				mutes[j.Incident] = m
			}
		}
		return mutes, mutedByScope(ctx, state, servers, incidents, mutes)
	}
}

// mutedByScope adds the mutes by scope that last longer.
func mutedByScope(ctx context.Context, state detector.State, servers *heatmap.Map, incidents []int64, mutes map[int64]alerts.Mute) error {
	now := time.Now()
	scopes, err := state.Mutes(ctx, now.Add(-mutesRemembered))
	if err != nil || len(scopes) == 0 {
		return err
	}
	known, err := state.Incidents(ctx, now.Add(-mutesRemembered))
	if err != nil {
		return err
	}
	var about func(string) []string
	if servers != nil {
		about = servers.Topology().About
	}
	for i := range known {
		id := known[i].ID
		if !slices.Contains(incidents, id) {
			continue
		}
		if m := model.MuteOf(scopes, &known[i], about, now); m != nil && m.End.After(mutes[id].Until) {
			mutes[id] = alerts.Mute{Until: m.End, Who: m.Who, Reason: m.Reason}
		}
	}
	return nil
}

// outbox adapts a detector's state to package alerts.
type outbox struct{ detector.State }

// Outbox implements alerts.Store.
func (o outbox) Outbox(ctx context.Context, after uint64, limit int) ([]alerts.Event, error) {
	events, err := o.State.Outbox(ctx, after, limit)
	all := make([]alerts.Event, len(events))
	for i, e := range events {
		all[i] = alerts.Event{Number: e.Number, Bin: e.Bin, Event: e.Event}
	}
	return all, err
}

// pulse determines whether this process can still detect incidents. Only the notifier's goroutine
// uses it.
type pulse struct {
	state       detector.State
	store       model.Reader
	checks      *Process
	began       time.Time
	late        time.Duration // time without a judged bin after which the detector is stuck
	silentAfter time.Duration
	vantage     func(string) time.Time // when a vantage last delivered
	vantages    atomic.Pointer[[]string]
	asked       bool      // whether heard is known
	heard       time.Time // when reports last arrived, to within a minute; zero: never
}

// alive returns nil if bins are being judged.
func (w *pulse) alive(ctx context.Context) error {
	last, err := w.state.Evaluated(ctx)
	if err != nil {
		return err
	}
	if last.Before(w.began) {
		last = w.began
	}
	if stuck := time.Since(last); stuck > w.late {
		return fmt.Errorf("no bin was judged for %v", stuck.Round(time.Second))
	}
	return nil
}

// problems returns the checks that fail or warn, and whether reports or vantages have fallen
// silent.
func (w *pulse) problems(ctx context.Context) map[string]string {
	all := map[string]string{}
	for name, check := range w.checks.checks {
		if name == "process" { // it fails when the process stops
			continue
		}
		if err := check(ctx); err != nil && ctx.Err() == nil {
			all[name] = fmt.Sprintf("Heliograph's %s needs attention: %v", name, err)
		}
	}
	if w.silent(ctx) {
		all["silence"] = fmt.Sprintf("No report has come in for %v: agents are cut off from the collectors, or the detector is", w.silentAfter)
	}
	for i, id := range *w.vantages.Load() {
		last := w.vantage(id)
		if last.Before(w.began) {
			last = w.began
		}
		// the text does not name the vantage, because whoever knows its id can send results in its
		// name
		if time.Since(last) > detector.DefaultVantageSilent {
			all[fmt.Sprintf("vantage %d", i+1)] = fmt.Sprintf("The prober that is number %d of detector.vantages has brought nothing for %v", i+1, detector.DefaultVantageSilent)
		}
	}
	return all
}

// silent reports whether reports used to arrive and no longer do.
func (w *pulse) silent(ctx context.Context) bool {
	if w.silentAfter == 0 {
		return false
	}
	now, since := time.Now(), time.Minute
	if !w.asked {
		since = 24 * time.Hour
	}
	n, err := w.store.Batches(ctx, now.Add(-since))
	if err != nil {
		return false // the check of the store reports it
	}
	if w.asked = true; n > 0 {
		w.heard = now
	}
	return !w.heard.IsZero() && now.Sub(w.heard) > w.silentAfter
}
