package alerts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/model"
)

// Store has the outbox and stores what a [Notifier] must remember. It must be safe for
// concurrent use.
type Store interface {
	// Outbox returns the next events after the one numbered after that are not yet acknowledged, in
	// order and at most limit of them.
	Outbox(ctx context.Context, after uint64, limit int) ([]Event, error)
	// AckOutbox acknowledges the events up to and including upTo and stores state, in one
	// transaction that is durable when it returns. In the same transaction it stores told, which
	// says who was told of incidents since the last call.
	AckOutbox(ctx context.Context, upTo uint64, state []byte, told []model.Milestone) error
	// AlertState returns the state that was last stored, or nothing if there is none.
	AlertState(ctx context.Context) ([]byte, error)
}

// Event is an event in the outbox.
type Event struct {
	Number uint64    // ascending, never 0
	Bin    time.Time // end of the detector's bin that led to the event
	model.Event
}

// Sender delivers messages to one receiver. A Notifier calls it from one goroutine at a time. Send
// must return soon after its context has ended.
type Sender interface {
	// Send returns nil once the receiver has confirmed the whole message. If the receiver will
	// never take this message, the error is [ErrRefused]. If the receiver says when to try again,
	// it is a [*LaterError].
	Send(ctx context.Context, m *Message) error
}

// ErrRefused says that a receiver refuses a message and would refuse it again.
var ErrRefused = errors.New("the receiver refuses the message")

// LaterError says that a receiver wants the next attempt no earlier than After from now.
type LaterError struct {
	After time.Duration
	Err   error
}

func (e *LaterError) Error() string { return e.Err.Error() }
func (e *LaterError) Unwrap() error { return e.Err }

// Attempt is an attempt to deliver a message.
type Attempt struct {
	Start, End time.Time
	Receiver   string // its name
	Message    *Message
	Err        error // nil: the receiver has confirmed it
}

// Receiver is a person or a machine to notify, and how.
type Receiver struct {
	Name   string // unique; the record of what it was told is stored under this name
	Sender Sender
	// Refresh is how often the receiver is sent all firing alerts, apart from each change. 0: it is
	// sent changes, and repetitions after Settings.Repeat.
	Refresh time.Duration
	// Watchdog is how often the receiver is sent the alert that always fires. 0: never. With
	// Refresh, that alert is always among those that are sent.
	Watchdog time.Duration
	// Least is the lowest severity that the receiver is told of; "": Warning.
	Least Severity
	// Wakes says that a message wakes people. Such a receiver is not told of an incident that is
	// over before its first message could be sent.
	Wakes bool
	// Quiet are the hours in which the receiver is told only of critical alerts, and of others
	// afterwards if they are still firing. nil: no quiet hours. Refresh ignores them.
	Quiet *Quiet
	// Timeout limits one attempt to deliver; 0: 20 s.
	Timeout time.Duration
}

// Settings are the options that [Notifier.Reload] can change.
type Settings struct {
	Receivers []Receiver
	// For is how long an incident must last before receivers are told of it. 0: they are
	// told at once.
	For time.Duration
	// Repeat is how long after a message a receiver is told again of an incident that goes
	// on. 0: 4 h.
	Repeat time.Duration
	// Update is the shortest time between a message about an incident and the next about a change
	// of it. 0: 5 min.
	Update time.Duration
	// Page is the dashboard's URL, for links; "": no links.
	Page string
	// Runbooks is the URL of the directory of runbooks; "": no links to them.
	Runbooks string
}

// incidentPage is the URL of an incident's page; "" without a dashboard.
func (s *Settings) incidentPage(id int64) string {
	if s.Page == "" {
		return ""
	}
	return strings.TrimSuffix(s.Page, "/") + "/#/incidents/" + strconv.FormatInt(id, 10)
}

func (s *Settings) runbook(v model.Verdict) string {
	if s.Runbooks == "" || v == "" {
		return ""
	}
	return strings.TrimSuffix(s.Runbooks, "/") + "/" + strings.ReplaceAll(string(v), "_", "-") + ".md"
}

// defaults returns s with its zero fields filled in. It copies the receivers.
func (s Settings) defaults() Settings {
	def(&s.Repeat, 4*time.Hour)
	def(&s.Update, 5*time.Minute)
	s.Receivers = append([]Receiver(nil), s.Receivers...)
	for i := range s.Receivers {
		def(&s.Receivers[i].Least, Warning)
		def(&s.Receivers[i].Timeout, 20*time.Second)
	}
	return s
}

func def[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

// validate returns all faults, joined.
func (s *Settings) validate() error {
	var errs []error
	names := map[string]bool{}
	for _, r := range s.Receivers {
		if r.Name == "" || r.Sender == nil {
			errs = append(errs, fmt.Errorf("receiver %q needs a name and a sender", r.Name))
		}
		if names[r.Name] {
			errs = append(errs, fmt.Errorf("two receivers have the name %q", r.Name))
		}
		names[r.Name] = true
		if r.Least != "" && !r.Least.Valid() {
			errs = append(errs, fmt.Errorf("receiver %q: %q is not a severity", r.Name, r.Least))
		}
		if r.Wakes && r.Least == Info {
			errs = append(errs, fmt.Errorf("receiver %q wakes people and cannot take %s", r.Name, Info))
		}
		if r.Refresh < 0 || r.Watchdog < 0 || r.Timeout < 0 {
			errs = append(errs, fmt.Errorf("receiver %q: a duration is negative", r.Name))
		}
	}
	if s.For < 0 || s.Repeat < 0 || s.Update < 0 {
		errs = append(errs, errors.New("a duration is negative"))
	}
	return errors.Join(errs...)
}

// Options are the options of a [Notifier]. Store is required.
type Options struct {
	Store Store
	Settings
	// Alive returns the reason not to send the alert that always fires, for example that the
	// detector has stopped. nil: the alert is sent as long as the outbox can be read. Alive must be
	// safe for concurrent use.
	Alive func(context.Context) error
	// Acknowledged returns which of the incidents somebody has taken over: receivers are not told
	// of them again as long as nothing changes. It is called every 15 s. nil: none.
	Acknowledged func(ctx context.Context, incidents []int64) ([]int64, error)
	// Muted returns which of the incidents are or were muted last, and until when. It is called
	// every few seconds. nil: none.
	Muted func(ctx context.Context, incidents []int64) (map[int64]Mute, error)
	// Problems returns the present problems of Heliograph itself: sentences, by short names that
	// stay the same. A problem becomes an alert when it has lasted for two minutes. nil: none.
	Problems func(context.Context) map[string]string
	// Ledger is where this and other Notifiers agree who tells of a fault. nil: there are no
	// others.
	Ledger Ledger
	// Attempted is called after each attempt to deliver a message, concurrently. It must not block.
	// nil: nobody is told.
	Attempted func(Attempt)
	Logger    *slog.Logger          // nil: no logging
	Metrics   prometheus.Registerer // nil: metrics are not exported
}
