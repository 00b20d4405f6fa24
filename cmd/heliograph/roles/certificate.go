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

// watchCertificates gets the certificates of a listener, which must be running. It shows in
// readiness and metrics whether the listener has them and for how long they are valid.
func (p *Process) watchCertificates(conf *tls.Config, names []string) {
	if len(names) == 0 {
		names = []string{""} // files have only one certificate
	}
	gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "heliograph_collector_certificate_expiry_timestamp_seconds",
		Help: "When the listener's certificate ends, by the name that it was asked for; 0 while there is none."}, []string{"name"})
	p.metrics.MustRegister(gauge)
	for _, name := range names {
		c := &certificate{err: errors.New("the certificate has not come yet")}
		p.checks[strings.TrimSpace("certificate "+name)] = func(context.Context) error { return c.check(time.Now()) }
		gauge.WithLabelValues(name).Set(0)
		p.parts.Add(closeCollector, lifecycle.Part{Name: "certificate " + name, Run: func(ctx context.Context) error {
			certs.Watch(ctx, conf, name, func(expires time.Time, err error) {
				if c.set(expires, err); err != nil {
					p.log.Error("no certificate; trying again in a minute", "component", "collector", "error", err)
					return
				}
				gauge.WithLabelValues(name).Set(float64(expires.Unix()))
			})
			return nil
		}})
	}
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
