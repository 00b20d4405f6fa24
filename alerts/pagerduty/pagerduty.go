// Package pagerduty sends alerts to PagerDuty through its Events API v2. Start with [New].
package pagerduty

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/internal/post"
)

// Events is the URL of PagerDuty's API. Accounts in its European service region have another.
const Events = "https://events.pagerduty.com/v2/enqueue"

// maxSummary is PagerDuty's limit of a summary, in characters.
const maxSummary = 1024

// Sender is an [alerts.Sender] for one PagerDuty service. It is safe for concurrent use.
type Sender struct {
	url, key string
	client   *http.Client
}

// New returns a Sender for the service that has an integration key, which is a secret. url is
// [Events] or the URL of another region. If roots is nil, the system's roots are trusted.
func New(url, key string, roots *x509.CertPool) (*Sender, error) {
	if key = strings.TrimSpace(key); key == "" {
		return nil, errors.New("the integration key is empty")
	}
	return &Sender{url, key, post.Client(roots)}, nil
}

// event is an event of the API.
type event struct {
	RoutingKey string   `json:"routing_key"`
	Action     string   `json:"event_action"`
	Key        string   `json:"dedup_key"`
	Client     string   `json:"client,omitempty"`
	ClientURL  string   `json:"client_url,omitempty"`
	Payload    *payload `json:"payload,omitempty"`
	Links      []link   `json:"links,omitempty"`
}

type payload struct {
	Summary   string            `json:"summary"`
	Source    string            `json:"source"`
	Severity  string            `json:"severity"`
	Timestamp time.Time         `json:"timestamp"`
	Group     string            `json:"group,omitempty"`
	Class     string            `json:"class,omitempty"`
	Details   map[string]string `json:"custom_details,omitempty"`
}

type link struct {
	HRef string `json:"href"`
	Text string `json:"text"`
}

// Send implements [alerts.Sender]. It sends one event for each alert. If one of them fails, the
// next attempt sends all again, and PagerDuty recognizes by their keys the ones that it has. One
// that is refused does not keep it from sending the others.
func (s *Sender) Send(ctx context.Context, m *alerts.Message) (refused error) {
	for i := range m.Alerts {
		body, err := json.Marshal(s.event(&m.Alerts[i]))
		if err != nil {
			return fmt.Errorf("encoding an event: %w", err)
		}
		err = post.Service(ctx, s.client, s.url, body)
		if err != nil && !errors.Is(err, alerts.ErrRefused) {
			return err
		}
		refused = errors.Join(refused, err)
	}
	return refused
}

func (s *Sender) event(a *alerts.Alert) event {
	e := event{RoutingKey: s.key, Action: "trigger", Key: a.Key}
	if a.Status == alerts.Resolved {
		e.Action = "resolve"
		return e
	}
	e.Client, e.ClientURL = "Heliograph", a.Link
	if a.Runbook != "" {
		e.Links = []link{{a.Runbook, "What to do"}}
	}
	source := a.Labels["target"]
	if source == "" {
		source = "heliograph"
	}
	e.Payload = &payload{Summary: cut(a.Summary, maxSummary), Source: source, Severity: string(a.Severity), Timestamp: a.StartsAt,
		Group: a.Labels["app"], Class: a.Labels["verdict"], Details: map[string]string{"why": strings.Join(a.Why, "\n")}}
	return e
}

// cut returns s, shortened to at most n characters.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
