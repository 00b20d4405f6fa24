package alerts

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/heliograph-net/heliograph/model"
)

// refusals is how often the delivery of a message is tried although its receiver refuses it, before
// the message is given up. The fault may be the receiver's and be repaired meanwhile.
const refusals = 5

// courier is the state of deliveries to one receiver.
type courier struct {
	busy    bool // a delivery is under way
	refused int  // how often the receiver refused the pending message
	retry   time.Time
	wait    *backoff.ExponentialBackOff

	refreshed time.Time // when all firing alerts were last sent
	last      string    // the alerts that were sent then
	barked    time.Time // when the watchdog was last sent
}

// The kinds of deliveries.
const (
	changes = iota // the pending message
	refresh        // all firing alerts
	bark           // the watchdog
)

// result is the result of a delivery.
type result struct {
	receiver Receiver
	message  *Message
	kind     int
	err      error
}

// courier returns the courier of a receiver and creates it if needed.
func (n *Notifier) courier(name string) *courier {
	c := n.couriers[name]
	if c == nil {
		c = &courier{wait: backoff.NewExponentialBackOff(backoff.WithInitialInterval(time.Second),
			backoff.WithMultiplier(2), backoff.WithMaxInterval(time.Minute), backoff.WithMaxElapsedTime(0))}
		n.couriers[name] = c
	}
	return c
}

// deliver starts the deliveries that are due: all of them if stored is true, and otherwise those
// that are in no record.
func (n *Notifier) deliver(ctx context.Context, s *Settings, now time.Time, readable, stored bool) {
	alive := readable && n.alive(ctx)
	n.metrics.unended.Reset() // of receivers that a reload removed
	for i := range s.Receivers {
		r := s.Receivers[i]
		if u, ok := r.Sender.(interface{ Unended() int }); ok {
			n.metrics.unended.WithLabelValues(r.Name).Set(float64(u.Unended()))
		}
		c := n.courier(r.Name)
		if c.busy || now.Before(c.retry) {
			continue
		}
		if r.Refresh > 0 {
			n.refresh(&r, c, s, now, alive)
			continue
		}
		switch pending := n.book.ledger(r.Name).Pending; {
		case pending != nil && stored && n.book.mayDeliver(pending):
			n.send(r, c, pending, changes)
		case r.Watchdog > 0 && alive && now.Sub(c.barked) >= r.Watchdog:
			m := &Message{ID: rand.Text(), Receiver: r.Name, Made: now, Page: s.Page, Alerts: []Alert{watchdog(s, n.book.Instance, n.began)}}
			n.send(r, c, m, bark)
		}
	}
}

// alive reports whether the watchdog may be sent.
func (n *Notifier) alive(ctx context.Context) bool {
	return n.o.Alive == nil || !n.trouble("alive", n.o.Alive(ctx))
}

// refresh sends all firing alerts if they have changed or if it is time to repeat them.
func (n *Notifier) refresh(r *Receiver, c *courier, s *Settings, now time.Time, alive bool) {
	all := n.book.everything(r, s, now)
	if alive {
		all = append(all, watchdog(s, n.book.Instance, n.began))
	}
	what := ""
	for i := range all {
		what += all[i].Key + " " + string(all[i].Status) + " " + all[i].Fingerprint() + " " + all[i].Summary + " " + all[i].Muted.text() + "\n"
	}
	if len(all) == 0 || what == c.last && now.Sub(c.refreshed) < r.Refresh {
		return
	}
	c.last, c.refreshed = what, now
	n.send(*r, c, &Message{ID: rand.Text(), Receiver: r.Name, Made: now, Page: s.Page, Alerts: all}, refresh)
}

// send starts a delivery.
func (n *Notifier) send(r Receiver, c *courier, m *Message, kind int) {
	c.busy = true
	go func() {
		ctx, cancel := context.WithTimeout(n.sending, r.Timeout)
		defer cancel()
		start := time.Now()
		err := r.Sender.Send(ctx, m)
		if n.o.Attempted != nil {
			n.o.Attempted(Attempt{start, time.Now(), r.Name, m, err})
		}
		select {
		case n.results <- result{r, m, kind, err}:
		case <-n.gone:
		}
	}()
}

// finish records the result of a delivery.
func (n *Notifier) finish(r result) {
	now, c := time.Now(), n.courier(r.receiver.Name)
	c.busy = false
	n.metrics.delivered(r.receiver.Name, r.err)
	n.trouble("receiver "+r.receiver.Name, r.err)
	if r.err != nil {
		c.last = "" // what is sent anew has not been delivered
		n.recordFailed(&r, now)
		n.failed(r, c, now)
		return
	}
	c.retry, c.refused = time.Time{}, 0
	c.wait.Reset()
	switch {
	case r.kind == bark:
		c.barked = now
	case r.kind == refresh:
		n.recordTold(&r, now)
	case n.pends(r):
		n.recordTold(&r, now)
		n.book.delivered(r.receiver.Name, now)
		n.unsaved = true
	}
}

// pends reports whether a result belongs to the receiver's pending message.
func (n *Notifier) pends(r result) bool {
	l := n.book.Receivers[r.receiver.Name]
	return r.kind == changes && l != nil && l.Pending != nil && l.Pending.ID == r.message.ID
}

// failed schedules the next attempt of a delivery. An alert that is over by then is not sent
// as firing.
func (n *Notifier) failed(r result, c *courier, now time.Time) {
	wait := c.wait.NextBackOff()
	if later, ok := errors.AsType[*LaterError](r.err); ok {
		wait = max(wait, min(later.After, time.Hour))
	}
	c.retry = now.Add(wait)
	if !n.pends(r) {
		return
	}
	if errors.Is(r.err, ErrRefused) {
		c.refused++
	}
	switch {
	case c.refused >= refusals:
		n.log.Error("a message was refused too often and is given up", "receiver", r.receiver.Name, "subject", r.message.Subject(), "error", r.err)
		n.metrics.dropped.Inc()
		for _, a := range r.message.Alerts {
			n.record(n.book.Entries[a.Key], now, model.MilestoneGivenUp, r.receiver.Name, reason(r.err))
		}
		n.book.delivered(r.receiver.Name, now)
		c.refused = 0
	case n.book.outdated(r.message):
		n.book.abandon(r.receiver.Name, now)
	default:
		return
	}
	n.unsaved = true
}
