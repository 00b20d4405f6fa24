// Package webhook posts messages about alerts to a URL. The body is version 4 of the JSON that
// Alertmanager sends to webhooks, and the signature is that of Standard Webhooks, so programs that
// are made for either understand it. Start with [New].
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/internal/post"
)

// Secret is the key that signs messages.
type Secret []byte

// The bounds of a secret in Standard Webhooks, in bytes.
const minSecret, maxSecret = 24, 64

// ParseSecret parses a secret in the form of Standard Webhooks: whsec_ followed by base64.
func ParseSecret(text string) (Secret, error) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
	if err != nil {
		return nil, errors.New("the secret is not whsec_ followed by base64")
	}
	if len(b) < minSecret || len(b) > maxSecret {
		return nil, fmt.Errorf("the secret has %d bytes, not %d to %d", len(b), minSecret, maxSecret)
	}
	return b, nil
}

// sign returns the value of the header webhook-signature for a message.
func (s Secret) sign(id, timestamp string, body []byte) string {
	h := hmac.New(sha256.New, s)
	_, _ = h.Write([]byte(id + "." + timestamp + "."))
	_, _ = h.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// Sender is an [alerts.Sender] for one URL. It is safe for concurrent use.
type Sender struct {
	url    string
	secret Secret
	client *http.Client
}

// New returns a Sender that posts to a URL. If secret is nil, messages are not signed. If roots is
// nil, the system's roots are trusted.
func New(to string, secret Secret, roots *x509.CertPool) (*Sender, error) {
	if u, err := url.Parse(to); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("the URL is not one of http or https")
	}
	return &Sender{to, secret, post.Client(roots)}, nil
}

// Send implements [alerts.Sender]. A message that is sent again has the same id. Its timestamp,
// which receivers check, is the time of the attempt.
func (s *Sender) Send(ctx context.Context, m *alerts.Message) error {
	body, err := json.Marshal(messageOf(m))
	if err != nil {
		return fmt.Errorf("encoding a message: %w", err)
	}
	header := http.Header{}
	header.Set("webhook-id", "msg_"+m.ID)
	header.Set("webhook-timestamp", strconv.FormatInt(time.Now().Unix(), 10))
	if s.secret != nil {
		header.Set("webhook-signature", s.secret.sign(header.Get("webhook-id"), header.Get("webhook-timestamp"), body))
	}
	return post.JSON(ctx, s.client, s.url, header, body)
}

// message is Alertmanager's message, version 4.
type message struct {
	Version           string            `json:"version"`
	GroupKey          string            `json:"groupKey"`
	TruncatedAlerts   int               `json:"truncatedAlerts"`
	Status            alerts.Status     `json:"status"`
	Receiver          string            `json:"receiver"`
	GroupLabels       map[string]string `json:"groupLabels"`
	CommonLabels      map[string]string `json:"commonLabels"`
	CommonAnnotations map[string]string `json:"commonAnnotations"`
	ExternalURL       string            `json:"externalURL"`
	Alerts            []alert           `json:"alerts"`
}

type alert struct {
	Status       alerts.Status     `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"` // zero while it is firing, but present
	GeneratorURL string            `json:"generatorURL"`
	Fingerprint  string            `json:"fingerprint"`
}

func messageOf(m *alerts.Message) message {
	w := message{Version: "4", GroupKey: "{}:{}", Status: m.Status(), Receiver: m.Receiver, GroupLabels: map[string]string{},
		ExternalURL: m.Page, Alerts: make([]alert, len(m.Alerts))}
	for i := range m.Alerts {
		a := &m.Alerts[i]
		w.Alerts[i] = alert{a.Status, a.Labels, a.Annotations(), a.StartsAt, a.EndsAt, a.Link, a.Fingerprint()}
		if i == 0 {
			w.CommonLabels, w.CommonAnnotations = maps.Clone(a.Labels), a.Annotations()
			continue
		}
		keepCommon(w.CommonLabels, w.Alerts[i].Labels)
		keepCommon(w.CommonAnnotations, w.Alerts[i].Annotations)
	}
	if name := w.CommonLabels["alertname"]; name != "" {
		w.GroupLabels["alertname"] = name
		w.GroupKey = fmt.Sprintf("{}:{alertname=%q}", name)
	}
	return w
}

// keepCommon removes from common what other does not have.
func keepCommon(common, other map[string]string) {
	maps.DeleteFunc(common, func(name, value string) bool {
		v, there := other[name]
		return !there || v != value
	})
}
