package roles

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/dashboards"
	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

// installation tells the dashboard how everything is set up. It is safe for concurrent use.
type installation struct {
	current  atomic.Pointer[Config] // the newest that could be read
	served   *servedPolicy          // of the collector in this process; nil without one
	attempts *attempts
	remote   *remotePolicies
	seen     policiesSeen
}

// installation returns what tells the dashboard how this process is set up.
func (p *Process) installation(c *Config) (*installation, error) {
	roots, err := loadRoots(c.File(c.Detector.FeedCA))
	if err != nil {
		return nil, fmt.Errorf("detector.feed_ca: %w", err)
	}
	i := &installation{served: p.served, attempts: &p.attempts, remote: newRemotePolicies(roots)}
	i.current.Store(c)
	return i, nil
}

// Setup implements [dashboards.Installation].
func (i *installation) Setup(ctx context.Context) api.Setup {
	c := i.current.Load()
	s := api.Setup{Policies: i.policies(ctx)}
	faultOlder(s.Policies)
	for k := range c.Alerts.Receivers {
		s.Receivers = append(s.Receivers, i.receiver(&c.Alerts.Receivers[k]))
	}
	return s
}

// policies returns what the collectors serve now, by collector.
func (i *installation) policies(ctx context.Context) []api.ServedPolicy {
	all := i.remote.all(ctx, i.current.Load())
	if i.served != nil {
		all = append([]api.ServedPolicy{i.served.shown(time.Now())}, all...)
	}
	i.seen.note(all)
	return all
}

// faultOlder marks the policies that are older than another collector's: agents that ask there
// learn late of what changed.
func faultOlder(all []api.ServedPolicy) {
	newest := 0
	for k := range all {
		if all[k].Version > all[newest].Version {
			newest = k
		}
	}
	for k := range all {
		if p := &all[k]; p.Fault == "" && p.Version < all[newest].Version {
			p.Fault = "is older than what " + all[newest].Collector + " serves"
		}
	}
}

func (i *installation) receiver(r *ReceiverConfig) api.Receiver {
	shown := api.Receiver{Name: r.Name, Kind: r.Kind, Severity: string(r.Severity), Quiet: r.Quiet, Where: r.where()}
	if shown.Severity == "" {
		shown.Severity = string(alerts.Warning)
	}
	if last, ok := i.attempts.last(r.Name); ok {
		shown.Tried, shown.Result = last.End.UTC().Truncate(time.Second), resultOf(last.Err)
	}
	return shown
}

func resultOf(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, alerts.ErrRefused):
		return "refused"
	default:
		return "failed"
	}
}

// where is where a receiver is. Paths and queries of URLs may be secrets.
func (r *ReceiverConfig) where() (all []string) {
	for _, text := range append([]string{r.URL}, r.URLs...) {
		if u, err := url.Parse(text); err == nil && u.Host != "" {
			all = append(all, u.Host)
		}
	}
	if r.Server != "" {
		all = append(all, r.Server)
	}
	return append([]string{}, append(all, r.To...)...)
}

// TestReceiver implements [dashboards.Installation].
func (i *installation) TestReceiver(ctx context.Context, name string) (results []api.ReceiverTest, err error) {
	c := i.current.Load()
	known := false
	for k := range c.Alerts.Receivers {
		known = known || c.Alerts.Receivers[k].Name == name
	}
	if !known {
		return nil, dashboards.ErrNoReceiver
	}
	err = EachTestAlert(ctx, c, []string{name}, func(receiver string, err error) {
		result := api.ReceiverTest{Receiver: receiver}
		if err != nil {
			result.Error = err.Error()
		}
		results = append(results, result)
	})
	if len(results) == 0 {
		return nil, err
	}
	return results, nil // what failed is in them
}

// attempts keeps the last attempt to deliver an alert to each receiver. It is safe for concurrent
// use.
type attempts struct {
	mu sync.Mutex
	by map[string]alerts.Attempt // guarded by mu; as many as receivers were ever configured
}

func (a *attempts) note(attempt alerts.Attempt) {
	attempt.Message = nil // not needed, and large
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.by == nil {
		a.by = map[string]alerts.Attempt{}
	}
	a.by[attempt.Receiver] = attempt
}

func (a *attempts) last(receiver string) (alerts.Attempt, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	last, ok := a.by[receiver]
	return last, ok
}

// shownPolicy converts a policy that a collector serves.
func shownPolicy(collector string, p *policy.Policy) api.ServedPolicy {
	s := api.ServedPolicy{Collector: collector, Version: p.Version, Issued: time.Unix(p.Issued, 0).UTC(), Expires: time.Unix(p.Expires, 0).UTC(),
		Disabled: p.Disabled, MostConsent: p.MaxConsent.String(), SuccessShare: float64(p.SuccessPPM) / report.FullPPM,
		WindowSeconds: float64(p.WindowMS) / 1000, Samples: p.SamplesPerWindow, RefreshSeconds: p.RefreshSeconds, BytesPerDay: p.BytesPerDay,
		SealKey: fingerprint(p.SealKey), Signers: []string{}, Collectors: []api.PolicyCollector{}}
	if p.EarlyMS != policy.NeverEarly {
		s.EarlySeconds = float64(p.EarlyMS) / 1000
	}
	for _, key := range p.Signers {
		s.Signers = append(s.Signers, fingerprint(key))
	}
	for _, c := range p.Collectors {
		s.Collectors = append(s.Collectors, api.PolicyCollector{ID: c.ID, URL: c.URL, Priority: c.Priority, Weight: c.Weight, Relay: c.Relay, ReceiptKey: fingerprint(c.ReceiptKey)})
	}
	return s
}

// unreadable is a policy of which only the fault is known. Its lists are not nil.
func unreadable(collector, fault string) api.ServedPolicy {
	return api.ServedPolicy{Collector: collector, Fault: fault, Signers: []string{}, Collectors: []api.PolicyCollector{}}
}
