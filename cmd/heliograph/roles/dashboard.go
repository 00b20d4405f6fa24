package roles

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/dashboards"
	"github.com/heliograph-net/heliograph/dashboards/access"
	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/detector/gate"
	"github.com/heliograph-net/heliograph/internal/httpserve"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/judge"
	"github.com/heliograph-net/heliograph/report"
)

// addDashboard adds the page and its API. They show the data of the roles that were added before.
func (p *Process) addDashboard(c *Config) error {
	o := dashboards.Options{Servers: p.probes, Hosts: c.Dashboard.Hosts, Logger: p.log, Reader: noReports{}, LeastClients: c.Dashboard.LeastClients,
		Runbooks: c.Alerts.Runbooks, TraceURL: c.Dashboard.TraceURL, VantageCountries: c.Dashboard.Vantages,
		// with short bins, as in a demonstration or a test, outages are short
		Step: min(time.Minute, 5*c.Detector.Bin.Duration)}
	if p.Store != nil {
		o.Reader = p.Store
	}
	if p.past != nil {
		o.Past = p.past
	}
	if d := p.detector; d != nil {
		o.Probes, o.Parts = d, d.Parts
		o.Consents = func() api.Consents { return api.Consents(d.Consents()) }
		o.Thresholds = func() judge.Thresholds {
			t := d.Thresholds()
			return judge.Thresholds{Clients: t.Clients, Failures: t.Excess}
		}
		o.Doubts = d.Doubts
		o.Blindness = func() (b judge.Blindness) {
			for _, c := range d.Conditions() {
				if c.Blind {
					b.Blind = append(b.Blind, c.Text)
				} else {
					b.Impaired = append(b.Impaired, c.Text)
				}
			}
			return b
		}
	}
	if p.detector != nil {
		o.Journal, o.Mutes = p.journal, p.mutes
		o.Gate = func(ctx context.Context, q model.GateQuery) (model.Gate, error) {
			return gate.Judge(ctx, p.Store, q, time.Now())
		}
	}
	if p.objectives != nil {
		o.Objectives = p.objectives.Status
	}
	if p.names != nil {
		o.NetworkName = p.names.Name
	}
	installed, err := p.installation(c)
	if err != nil {
		return err
	}
	o.Installation = installed
	o.StatusPage = func() string {
		if s := &installed.current.Load().Status; s.on() {
			return s.URL
		}
		return ""
	}
	if o.Access, err = p.gate(c); err != nil {
		return err
	}
	d, err := dashboards.New(o)
	if err != nil {
		return err
	}
	p.reloads.add("dashboard", func(next *Config) ([]any, error) { return reloadDashboard(next, d, o.Access) })
	p.reloads.add("installation", func(next *Config) ([]any, error) { installed.current.Store(next); return nil, nil })
	p.reloads.fix(map[string]func(*Config) any{
		"dashboard.listen":        func(c *Config) any { return c.Dashboard.Listen },
		"dashboard.tls_cert":      func(c *Config) any { return c.Dashboard.TLSCert },
		"dashboard.tls_key":       func(c *Config) any { return c.Dashboard.TLSKey },
		"dashboard.url":           func(c *Config) any { return c.Dashboard.URL },
		"dashboard.trace_url":     func(c *Config) any { return c.Dashboard.TraceURL },
		"dashboard.vantages":      func(c *Config) any { return c.Dashboard.Vantages },
		"dashboard.least_clients": func(c *Config) any { return c.Dashboard.LeastClients },
	})
	p.parts.Add(endWork, lifecycle.Part{Name: "dashboard", Run: d.Run})
	p.parts.Add(endWork, lifecycle.Part{Name: "policies", Run: installed.watchPolicies})
	// streams do not end
	listener := httpserve.Options{Name: "dashboard", Listen: c.Dashboard.Listen, Handler: d, WriteTimeout: -1}
	if listener.TLS, err = p.certificates(c, "dashboard", tlsFiles{cert: c.File(c.Dashboard.TLSCert), key: c.File(c.Dashboard.TLSKey)}); err != nil {
		return fmt.Errorf("dashboard.%w", err)
	}
	p.DashboardAddr, err = p.listen(closePage, listener)
	return err
}

// reloadDashboard applies new settings to the dashboard and describes them.
func reloadDashboard(next *Config, d *dashboards.Dashboard, gate *access.Gate) ([]any, error) {
	if (gate != nil) != next.Dashboard.needsLogin() {
		return nil, errors.New("dashboard: whether people have to log in takes a restart; users, proxy and oidc are as before")
	}
	if gate != nil {
		s, err := next.accessSettings()
		if err != nil {
			return nil, err
		}
		if err := gate.Reload(s); err != nil {
			return nil, fmt.Errorf("dashboard: %w", err)
		}
	}
	return []any{"hosts", next.Dashboard.Hosts, "users", len(next.Dashboard.Users)}, d.SetHosts(next.Dashboard.Hosts)
}

// noReports is the Reader of a dashboard without a detector.
type noReports struct{}

func (noReports) Totals(context.Context, model.TotalsQuery) ([]model.Total, error) {
	return nil, nil
}
func (noReports) Samples(context.Context, model.SampleQuery) ([]model.Sample, error) {
	return nil, nil
}
func (noReports) Incidents(context.Context, time.Time) ([]model.Incident, error)  { return nil, nil }
func (noReports) Servers(context.Context, time.Time) ([]model.ServerCount, error) { return nil, nil }
func (noReports) ProbeResults(context.Context, model.ProbeQuery) ([]model.ProbeResult, error) {
	return nil, nil
}
func (noReports) Rollups(context.Context, model.RollupQuery) ([]model.Rollup, error) {
	return nil, nil
}
func (noReports) Latencies(context.Context, model.LatencyQuery) ([]model.LatencyStep, error) {
	return nil, nil
}
func (noReports) Fingerprints(context.Context, model.FingerprintQuery) ([]model.Fingerprint, error) {
	return nil, nil
}
func (noReports) Batches(context.Context, time.Time) (uint64, error) { return 0, nil }
func (noReports) Batch(context.Context, report.BatchID) (model.BatchInfo, bool, error) {
	return model.BatchInfo{}, false, nil
}
func (noReports) Reachability(context.Context, model.ReachQuery) ([]model.Reach, error) {
	return nil, nil
}
func (noReports) Curve(context.Context, model.CurveQuery) ([]model.CurvePoint, error) {
	return nil, nil
}
