package alerts_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// memory is a Store whose calls fail when they are told to. What was stored survives a Notifier.
type memory struct {
	mu         sync.Mutex
	events     []alerts.Event
	last       uint64
	state      []byte
	milestones []model.Milestone
	broken     bool
	full       bool // can be read, and not written
}

var errBroken = errors.New("the disk is gone")

func (m *memory) Outbox(_ context.Context, after uint64, limit int) (found []alerts.Event, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return nil, errBroken
	}
	for _, e := range m.events {
		if e.Number > after && len(found) < limit {
			found = append(found, e)
		}
	}
	return found, nil
}

func (m *memory) AckOutbox(_ context.Context, upTo uint64, state []byte, told []model.Milestone) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken || m.full {
		return errBroken
	}
	m.events = slices.DeleteFunc(m.events, func(e alerts.Event) bool { return e.Number <= upTo })
	m.state = slices.Clone(state)
	m.milestones = append(m.milestones, told...)
	return nil
}

func (m *memory) AlertState(context.Context) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return nil, errBroken
	}
	return slices.Clone(m.state), nil
}

// add puts an event of the present into the outbox.
func (m *memory) add(kind model.EventKind, i model.Incident) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last++
	m.events = append(m.events, alerts.Event{Number: m.last, Bin: time.Now(), Event: model.Event{Kind: kind, Incident: i}})
}

func (m *memory) unread() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.events)
}

func (m *memory) breakDown(broken bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = broken
}

// people are a Sender that notes what it is sent, and fails when it is told to.
type people struct {
	mu       sync.Mutex
	messages []alerts.Message
	err      error
	takes    time.Duration
	deaf     bool // notes what it is sent and fails all the same
}

func (p *people) Send(ctx context.Context, m *alerts.Message) error {
	p.mu.Lock()
	err, takes := p.err, p.takes
	p.mu.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(takes):
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil || p.deaf {
		p.messages = append(p.messages, *m)
	}
	return err
}

func (p *people) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

// heard are the messages since the last call.
func (p *people) heard() []alerts.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.messages
	p.messages = nil
	return all
}

// told are the headlines that were heard, message by message.
func (p *people) told() (all []string) {
	for _, m := range p.heard() {
		line := ""
		for _, a := range m.Alerts {
			if line != "" {
				line += " + "
			}
			line += a.Headline()
		}
		all = append(all, line)
	}
	return all
}

// incident is one that began now.
func incident(id int64, title string) model.Incident {
	return model.Incident{ID: id, App: "shop", Target: "https://shop.test", Outcome: report.TCPRefused, Since: time.Now(), Title: title,
		Evidence: []model.Signal{{Code: model.SignalExcess, Text: "40 of 40 requests failed where 0.4 were to be expected"}}}
}

// over is an incident that has ended now.
func over(i model.Incident) model.Incident {
	i.Until = time.Now()
	return i
}
