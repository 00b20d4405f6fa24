// Package alertmanager sends alerts to an instance of Prometheus Alertmanager through its API v2.
// Start with [New].
//
// Alertmanager expects firing alerts to be sent again and again, and in a cluster, to every
// instance. So each instance is an [alerts.Receiver] of its own, with [Refresh].
package alertmanager

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/internal/post"
)

// Refresh is how often an instance must be sent all firing alerts. Prometheus uses the
// same interval.
const Refresh = time.Minute

// expiry is after what time Alertmanager resolves an alert that is not sent again: four times
// Refresh, as in Prometheus.
const expiry = 4 * Refresh

// Sender is an [alerts.Sender] for one instance. It is safe for concurrent use.
type Sender struct {
	api    string // its URL, with /api/v2
	client *http.Client
	// there was no silence of ours when they were last looked at
	quiet atomic.Bool
}

// New returns a Sender for the instance at a URL, which may have a path in front of /api/v2. If
// roots is nil, the system's roots are trusted.
func New(instance string, roots *x509.CertPool) (*Sender, error) {
	u, err := url.Parse(instance)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not the http or https URL of an Alertmanager", instance)
	}
	return &Sender{api: strings.TrimSuffix(instance, "/") + "/api/v2", client: post.Client(roots)}, nil
}

// alert is the postableAlert of the API.
type alert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// Send implements [alerts.Sender]. It also brings the silences of muted alerts up to date. An error
// of these does not keep it from sending the alerts.
func (s *Sender) Send(ctx context.Context, m *alerts.Message) error {
	all := make([]alert, len(m.Alerts))
	for i := range m.Alerts {
		a := &m.Alerts[i]
		all[i] = alert{Labels: a.Labels, Annotations: a.Annotations(), StartsAt: a.StartsAt, EndsAt: a.EndsAt, GeneratorURL: a.Link}
		if a.Status == alerts.Firing {
			all[i].EndsAt = m.Made.Add(expiry)
		}
	}
	body, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("encoding alerts: %w", err)
	}
	spare, silenceErr := s.silence(ctx, m)
	if err := post.Service(ctx, s.client, s.api+"/alerts", body); err != nil {
		return err
	}
	return errors.Join(silenceErr, s.expire(ctx, spare)) // after the alerts, which may be over
}
