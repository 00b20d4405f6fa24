package roles

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/internal/certs"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/internal/ops"
)

// certificateSoon is how long before a certificate expires there is a warning. ACME renews it 30
// days before.
const certificateSoon = 14 * 24 * time.Hour

// certificate is the state of the certificate for one name.
type certificate struct {
	mu      sync.Mutex
	expires time.Time // guarded by mu; zero if there is no certificate
	err     error     // guarded by mu; why there is none
}

// watchCertificates gets the certificates of agents' listener, which must be running. It shows in
// readiness and metrics whether the listener has them and for how long they are valid.
func (p *Process) watchCertificates(conf *tls.Config, names []string) {
	if len(names) == 0 {
		names = []string{""} // files have only one certificate
	}
	gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "heliograph_collector_certificate_expiry_timestamp_seconds",
		Help: "When the listener's certificate ends, by the name that it was asked for; 0 while there is none."}, []string{"name"})
	p.metrics.MustRegister(gauge)
	for _, name := range names {
		p.watchCertificate(closeCollector, strings.TrimSpace("certificate "+name), conf, name, gauge.WithLabelValues(name))
	}
}

// watchCertificate gets the certificate of a listener for one name, until the parts of order end.
// The check and the part have the name that is given for them.
func (p *Process) watchCertificate(order int, check string, conf *tls.Config, name string, ends prometheus.Gauge) {
	c := &certificate{err: errors.New("the certificate has not come yet")}
	p.checks[check] = func(context.Context) error { return c.check(time.Now()) }
	ends.Set(0)
	p.parts.Add(order, lifecycle.Part{Name: check, Run: func(ctx context.Context) error {
		certs.Watch(ctx, conf, name, func(expires time.Time, err error) {
			if c.set(expires, err); err != nil {
				p.log.Error("no certificate; trying again in a minute", "component", check, "error", err)
				return
			}
			ends.Set(float64(expires.Unix()))
		})
		return nil
	}})
}

// set stores the result of a check. If the authority is unavailable, the previous certificate is
// still served.
func (c *certificate) set(expires time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	if err == nil {
		c.expires = expires
	}
}

// check returns an error if there is no valid certificate, and a warning if it expires soon.
func (c *certificate) check(now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch left := c.expires.Sub(now); {
	case c.expires.IsZero():
		return c.err
	case left <= 0:
		return fmt.Errorf("the certificate ended on %s", c.expires.UTC().Format(time.DateTime))
	case left < certificateSoon:
		return ops.Warning("the certificate ends on " + c.expires.UTC().Format(time.DateTime))
	}
	return nil
}
