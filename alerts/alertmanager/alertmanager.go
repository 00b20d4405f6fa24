// Package alertmanager sends alerts to an instance of Prometheus Alertmanager, by its API v2.
//
// Alertmanager wants to be sent what fires again and again, and in a cluster wants each instance to
// be sent it. So every instance is a receiver of its own, with [Refresh].
package alertmanager

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/internal/post"
)

// Refresh is how often an instance is to be sent what fires, as Prometheus does.
const Refresh = time.Minute

// expiry is how long an alert fires that is not sent again: four times Refresh, as in Prometheus.
const expiry = 4 * Refresh

// Sender sends to one instance.
type Sender struct {
	url    string
	client *http.Client
}

// New makes a Sender for the instance at a URL, which may have a path in front of /api/v2.
func New(instance string, roots *x509.CertPool) (*Sender, error) {
	u, err := url.Parse(instance)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not the http or https URL of an Alertmanager", instance)
	}
	return &Sender{url: strings.TrimSuffix(instance, "/") + "/api/v2/alerts", client: post.Client(roots)}, nil
}

// alert is postableAlert of the API.
type alert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// Send implements alerts.Sender.
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
	return post.JSON(ctx, s.client, s.url, nil, body)
}
