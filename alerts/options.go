package alerts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/model"
)

// Store has the outbox, and keeps what a [Notifier] must remember. It is safe for concurrent use.
type Store interface {
	// Outbox returns events that follow the one numbered after and are not acknowledged, in order;
	// at most limit of them.
	Outbox(ctx context.Context, after uint64, limit int) ([]Event, error)
	// AckOutbox acknowledges events up to and including upTo and stores state, in one transaction
	// that is durable when it returns.
	AckOutbox(ctx context.Context, upTo uint64, state []byte) error
	// AlertState is the state that was stored last; empty: none.
	AlertState(ctx context.Context) ([]byte, error)
}

// Event is an event of the outbox.
type Event struct {
	Number uint64    // ascending, never 0
	Bin    time.Time // end of the bin that led to it
	model.Event
}

// Sender delivers messages. It is called by one goroutine at a time, and returns within some time
// of the end of its context.
type Sender interface {
	// Send returns nil once the receiver has confirmed the whole message. A receiver that says that
	// it will never take this message gives an error that is [ErrRefused]. One that says when to
	// come again gives a [*LaterError].
	Send(ctx context.Context, m *Message) error
}

// ErrRefused says that a receiver does not want a message, whenever it is sent.
var ErrRefused = errors.New("the receiver refuses the message")

// LaterError says when a receiver wants to be asked again.
type LaterError struct {
	After time.Duration
	Err   error
}

func (e *LaterError) Error() string { return e.Err.Error() }
func (e *LaterError) Unwrap() error { return e.Err }

// Receiver is somebody to be told, and how.
type Receiver struct {
	Name   string // of no other receiver; what was told to whom is kept by it
	Sender Sender
	// Refresh is how often the receiver is sent everything that fires, besides each change of it.
	// 0: it is sent changes, and repetitions after Settings.Repeat.
	Refresh time.Duration
	// Watchdog is how often it is sent the alert that always fires. 0: never, but with Refresh it
	// is part of everything that fires.
	Watchdog time.Duration
	// Least is the lowest severity it is told of; "": Warning.
	Least Severity
	// Wakes says that a message wakes people. Such a receiver is not told of what is over before it
	// was told that it began.
	Wakes bool
	// Quiet are hours in which it is told nothing but what is critical, and the rest afterwards if
	// that goes on. nil: there are none. With Refresh they mean nothing.
	Quiet *Quiet
	// Timeout of one attempt; 0: 20 s.
	Timeout time.Duration
}

// Settings are what [Notifier.Reload] can change.
type Settings struct {
	Receivers []Receiver
	// For is how long an incident has to last until it is told. 0: it is told at once.
	For time.Duration
	// Repeat is how long after a message an incident that goes on is told again. 0: 4 h.
	Repeat time.Duration
	// Update is how long after a message changes of an incident are told at the earliest.
	// 0: 5 min.
	Update time.Duration
	// Page is the dashboard's URL, for links; "": there are none.
	Page string
	// Runbooks is the URL below which the runbooks are; "": there are no links to them.
	Runbooks string
}

func (s *Settings) runbook(v model.Verdict) string {
	if s.Runbooks == "" || v == "" {
		return ""
	}
	return strings.TrimSuffix(s.Runbooks, "/") + "/" + strings.ReplaceAll(string(v), "_", "-") + ".md"
}

// defaults fills zero fields in, in a copy of the receivers.
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

// validate joins all faults.
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
			errs = append(errs, fmt.Errorf("receiver %q: %q is no severity", r.Name, r.Least))
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

// Options of a Notifier. Store is required.
type Options struct {
	Store Store
	Settings
	// Alive says why the alert that always fires should not: the detector has stopped to judge, for
	// example. nil: it only depends on the outbox being readable. It is safe for concurrent use.
	Alive func(context.Context) error
	// Problems are those of Heliograph itself, each of which becomes an alert when it has lasted
	// for two minutes: sentences by short names, which stay the same. nil: there are none.
	Problems func(context.Context) map[string]string
	Logger   *slog.Logger          // nil: nothing is logged
	Metrics  prometheus.Registerer // nil: they are counted for nobody
}
