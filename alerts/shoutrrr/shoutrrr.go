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
	"slices"
	"strings"
	"sync"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
	"github.com/nicholas-fedor/shoutrrr/pkg/util/jsonclient"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/internal/post"
)

// maxText is the longest message in bytes: Discord takes 2,000 characters, others more. maxAlerts
// is how many alerts a message names.
const maxText, maxAlerts = 1900, 10

// maxUnended is how many messages may be left at work at once.
const maxUnended = 16

// Sender is an [alerts.Sender] for the receiver that a URL of shoutrrr names. It is safe for
// concurrent use.
//
// The library's services take no context, and some wait for ever. So a service that has not
// answered when the context of Send ends is left at work, and the next Send tries with another one.
// If the first one delivers the message after all, the next Send of the same message succeeds at
// once. At most 16 services are left at work; beyond that Send fails until one of them has ended.
// Services that use [http.DefaultClient], which are most of those, end after its Timeout, so a
// program should set it.
type Sender struct {
	url  string // a secret
	kind string // such as "ntfy"

	mu    sync.Mutex
	idle  types.Service // the service that has ended last; nil: none
	left  int           // services that have not ended although Send has returned
	later []string      // the last messages that were delivered after Send had returned
}

// attempt is a message that was given to a service.
type attempt struct {
	id   string
	done chan struct{}
	err  error // may be read when done is closed
	left bool  // Send has returned; guarded by Sender.mu
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
	if a == nil {
		return err
	}
	select {
	case <-a.done:
		return a.err
	case <-ctx.Done():
		return s.leave(ctx, a)
	}
}

// Unended returns how many services are at work although Send has returned.
func (s *Sender) Unended() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.left
}

// begin gives a message to a service. It returns neither an attempt nor an error if the message was
// delivered meanwhile.
func (s *Sender) begin(m *alerts.Message) (*attempt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.later, m.ID); i >= 0 {
		s.later = slices.Delete(s.later, i, i+1)
		return nil, nil
	}
	if s.left >= maxUnended {
		return nil, fmt.Errorf("%d attempts to send by %s still wait for an answer; the next is made when one of them ends", s.left, s.kind)
	}
	a, service := &attempt{id: m.ID, done: make(chan struct{})}, s.idle
	s.idle = nil // a service may serve one message at a time
	go func() {
		service, err := s.deliver(service, textOf(m))
		s.end(a, service, err)
	}()
	return a, nil
}

// leave leaves an attempt whose time is over at work.
func (s *Sender) leave(ctx context.Context, a *attempt) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-a.done: // just now
		return a.err
	default:
		a.left = true
		s.left++
		return fmt.Errorf("%s has not answered: %w", s.kind, ctx.Err())
	}
}

// end notes that an attempt has ended. It closes done under the mutex, so that leave never counts
// an attempt that has ended.
func (s *Sender) end(a *attempt, service types.Service, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.err, s.idle = err, service
	close(a.done)
	if !a.left {
		return
	}
	if s.left--; a.err == nil {
		s.later = append(s.later, a.id)
		s.later = s.later[max(0, len(s.later)-maxUnended):]
	}
}

// deliver sends a text with a service, which is made if it is nil. Services ask somebody when they
// are made (Matrix logs in).
func (s *Sender) deliver(service types.Service, text string) (types.Service, error) {
	if service == nil {
		var routes router.ServiceRouter
		made, err := routes.Locate(s.url)
		if err != nil {
			return nil, s.bare(err)
		}
		service = made
	}
	return service, s.bare(service.Send(text, &types.Params{}))
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

// refused marks an answer that says that the message is wrong.
func refused(a answer) error {
	if post.RefusesMessage(int(a)) {
		return fmt.Errorf("%w: %w", alerts.ErrRefused, a)
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
