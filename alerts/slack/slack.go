// Package slack posts messages about alerts to an incoming webhook of Slack or of a compatible
// chat. Start with [New].
package slack

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/internal/post"
)

// maxText is the longest text of a section, in bytes, slightly below Slack's limit. maxAlerts is
// how many alerts a message shows.
const maxText, maxAlerts = 2900, 20

// Sender is an [alerts.Sender] for one channel. It is safe for concurrent use.
type Sender struct {
	url    string
	client *http.Client
}

// New returns a Sender for the URL of an incoming webhook, which is a secret. If roots is nil, the
// system's roots are trusted.
func New(hook string, roots *x509.CertPool) (*Sender, error) {
	if u, err := url.Parse(hook); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("the URL is not one of http or https")
	}
	return &Sender{hook, post.Client(roots)}, nil
}

type message struct {
	Text   string  `json:"text"` // for notifications
	Blocks []block `json:"blocks"`
}

type block struct {
	Type string `json:"type"`
	Text text   `json:"text"`
}

type text struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// Send implements [alerts.Sender]. Slack does not recognize a message that it already has, so a
// message may appear twice.
func (s *Sender) Send(ctx context.Context, m *alerts.Message) error {
	w := message{Text: escape(m.Subject())}
	for i := range m.Alerts {
		if i == maxAlerts {
			w.Blocks = append(w.Blocks, section(fmt.Sprintf("and %d more", len(m.Alerts)-maxAlerts)))
			break
		}
		w.Blocks = append(w.Blocks, section(alertText(&m.Alerts[i])))
	}
	body, err := json.Marshal(w)
	if err != nil {
		return fmt.Errorf("encoding a message: %w", err)
	}
	return post.Service(ctx, s.client, s.url, body)
}

func section(s string) block { return block{"section", text{"mrkdwn", s}} }

// alertText returns an alert's text with the headline in bold.
func alertText(a *alerts.Alert) string {
	mark := ":red_circle: "
	if a.Status == alerts.Resolved {
		mark = ":large_green_circle: "
	}
	head, rest, _ := strings.Cut(a.Text(), "\n")
	return mark + "*" + escape(head) + "*\n" + cut(escape(strings.TrimLeft(rest, "\n")), maxText-len(head))
}

// cut returns s, shortened to at most n bytes.
func cut(s string, n int) string {
	if n = max(n, 0); len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// escape keeps Slack from reading mentions and links in a text.
var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace
