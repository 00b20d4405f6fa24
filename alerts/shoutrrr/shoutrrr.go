// Package shoutrrr sends messages about alerts to the chats, push services and pagers that the
// library shoutrrr knows, each by a URL such as ntfy://ntfy.example.net/alerts. Start with [New].
package shoutrrr

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
	"github.com/nicholas-fedor/shoutrrr/pkg/util/jsonclient"

	"github.com/heliograph-net/heliograph/alerts"
)

// maxText is the longest message in bytes: Discord takes 2,000 characters, others more. maxAlerts
// is how many alerts a message names.
const maxText, maxAlerts = 1900, 10

// Sender is an [alerts.Sender] for the receiver that a URL of shoutrrr names. It is safe for
// concurrent use.
//
// The library's services take no context, and some wait for ever. So a service that has not
// answered when the context of Send ends is left at work: what becomes of it is the result of the
// next Send of the same message, and other messages wait until then. There is never more than one
// message under way.
type Sender struct {
	url  string // a secret
	kind string // such as "ntfy"

	mu      sync.Mutex
	service types.Service // nil until the first message
	under   *attempt      // the message under way, or done and not asked for; nil: none
}

// attempt is a message that was given to a service. err may be read when done is closed.
type attempt struct {
	id   string
	done chan struct{}
	err  error
}

// New returns a Sender for a URL, which is a secret. It asks nobody, so whether the URL is good may
// be known with the first message only.
func New(shout string) (*Sender, error) {
	kind, _, found := strings.Cut(shout, "://")
	kind, _, _ = strings.Cut(kind, "+") // generic+https://
	if _, err := url.Parse(shout); err != nil || !found || kind == "" {
		return nil, errors.New("this is not a URL of shoutrrr, such as ntfy://ntfy.example.net/alerts")
	}
	var routes router.ServiceRouter
	if _, err := routes.NewService(kind); err != nil || kind == "logger" { // which tells nobody
		return nil, fmt.Errorf("shoutrrr has no receivers of the kind %q", kind)
	}
	return &Sender{url: shout, kind: kind}, nil
}

// Send implements [alerts.Sender]. The services do not recognize a message that they already have,
// so a message may appear twice.
func (s *Sender) Send(ctx context.Context, m *alerts.Message) error {
	a, err := s.begin(m)
	if err != nil {
		return err
	}
	select {
	case <-a.done:
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.under == a { // otherwise another caller had the same result before
			s.under = nil
		}
		return a.err
	case <-ctx.Done():
		return fmt.Errorf("%s has not answered: %w", s.kind, ctx.Err())
	}
}

// begin gives a message to the service, unless it has it already.
func (s *Sender) begin(m *alerts.Message) (*attempt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.under; a != nil {
		if a.id == m.ID {
			return a, nil
		}
		select {
		case <-a.done:
		default:
			return nil, fmt.Errorf("%s has not answered the message before", s.kind)
		}
	}
	a := &attempt{id: m.ID, done: make(chan struct{})}
	s.under = a
	go func() {
		defer close(a.done)
		a.err = s.deliver(textOf(m))
	}()
	return a, nil
}

// deliver sends a text. Only one goroutine at a time calls it. Services ask somebody when they are
// made (Matrix logs in), so that happens here.
func (s *Sender) deliver(text string) error {
	if s.service == nil {
		var routes router.ServiceRouter
		service, err := routes.Locate(s.url)
		if err != nil {
			return s.bare(err)
		}
		s.service = service
	}
	return s.bare(s.service.Send(text, &types.Params{}))
}

// bare returns what an error of a service says without the URL, which is a secret and which most of
// them quote.
func (s *Sender) bare(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[jsonclient.Error](err); ok && e.StatusCode != 0 {
		return refused(answer(e.StatusCode))
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("%s: %w", s.kind, e.Err)
	}
	if e, ok := errors.AsType[net.Error](err); ok {
		return fmt.Errorf("%s: %w", s.kind, e)
	}
	return fmt.Errorf("%s does not take it; `shoutrrr send` with the same URL says why", s.kind)
}

// answer is a status other than 2xx.
type answer int

func (a answer) Error() string {
	return fmt.Sprintf("the receiver answers %d %s", int(a), http.StatusText(int(a)))
}

// HTTPStatus returns the status.
func (a answer) HTTPStatus() int { return int(a) }

// refused marks an answer that the same message would get again.
func refused(a answer) error {
	switch a {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
	default:
		if a/100 == 4 {
			return fmt.Errorf("%w: %w", alerts.ErrRefused, a)
		}
	}
	return a
}

// textOf returns a message as plain text: one alert in full, or several by their headlines.
func textOf(m *alerts.Message) string {
	if len(m.Alerts) == 1 {
		return cut(plain(m.Alerts[0].Text()), maxText)
	}
	lines := []string{m.Subject()}
	for i := range m.Alerts {
		if i == maxAlerts {
			lines = append(lines, fmt.Sprintf("and %d more", len(m.Alerts)-maxAlerts))
			break
		}
		lines = append(lines, "- "+m.Alerts[i].Headline())
	}
	if m.Page != "" {
		lines = append(lines, "See them: "+m.Page)
	}
	return cut(plain(strings.Join(lines, "\n")), maxText)
}

// plain keeps chats from reading mentions in what clients or servers wrote, by a space without
// width.
var plain = strings.NewReplacer("@", "@\u200b", "<", "<\u200b").Replace

// cut returns s or, if it is longer, at most n bytes of it and an ellipsis.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
