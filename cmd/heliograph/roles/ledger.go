package roles

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/natsledger"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
)

// addLedger has the notifier agree with others who tells of a fault, if there are others.
func (p *Process) addLedger(c *Config, o *alerts.Options) error {
	if c.Alerts.Ledger == nil {
		return nil
	}
	l, err := natsledger.New(ledgerOptions(c, p.log, p.metrics))
	if err != nil {
		return err
	}
	o.Ledger = l
	p.parts.Add(endWork, lifecycle.Part{Name: "ledger", Run: l.Run})
	return nil
}

// ledgerOptions returns the options of the ledger, which the configuration has.
func ledgerOptions(c *Config, log *slog.Logger, metrics prometheus.Registerer) natsledger.Options {
	l := c.Alerts.Ledger
	return natsledger.Options{Member: l.Member, Servers: l.Servers, Domain: l.Domain, Bucket: l.Bucket, Replicas: l.Replicas, Credentials: c.File(l.Credentials),
		CA: c.File(l.CA), Certificate: c.File(l.Certificate), Key: c.File(l.Key), Logger: log, Metrics: metrics}
}
