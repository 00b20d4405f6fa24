package alerts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// pollEvery is how often the outbox is read and due messages are sent.
const pollEvery = time.Second

// problemsEvery is how often Options.Problems is called.
const problemsEvery = 15 * time.Second

// outboxPage is how many events are read at once.
const outboxPage = 200

// drainFor is how long deliveries under way may go on when a Notifier ends.
const drainFor = time.Second

// Notifier notifies receivers of incidents. Start it with [Notifier.Run].
type Notifier struct {
	o        Options
	log      *slog.Logger
	metrics  *metrics
	settings atomic.Pointer[Settings]
	reloaded chan struct{} // has room for one
	results  chan result
	gone     chan struct{} // closed when Run no longer takes results

	// The following fields belong to the goroutine of Run.

	book       *book
	cursor     uint64 // number of the last event in the book
	unsaved    bool
	unstored   time.Time           // since when the book cannot be stored; zero: it can
	milestones []model.Milestone   // to be stored with the book
	couriers   map[string]*courier // by the receiver's name
	sending    context.Context     // for deliveries
	began      time.Time
	looked     time.Time       // when Options.Problems was last called
	asked      time.Time       // when Options.Acknowledged was last called
	mutesAsked time.Time       // when Options.Muted was last called
	troubles   map[string]bool // what is failing now, so that it is logged once
}

// New returns a Notifier. It does nothing until [Notifier.Run] is called.
func New(o Options) (*Notifier, error) {
	if o.Store == nil {
		return nil, errors.New("alerts: Options.Store is nil")
	}
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	m, err := newMetrics(o.Metrics)
	if err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	n := &Notifier{o: o, metrics: m, log: cmp.Or(o.Logger, slog.New(slog.DiscardHandler)), reloaded: make(chan struct{}, 1),
		results: make(chan result), gone: make(chan struct{}), couriers: map[string]*courier{}, troubles: map[string]bool{}}
	s := o.Settings.defaults()
	n.settings.Store(&s)
	return n, nil
}

// Reload replaces the settings. A receiver with the name of an earlier one continues where that one
// was. Reload is safe for concurrent use.
func (n *Notifier) Reload(s Settings) error {
	if err := s.validate(); err != nil {
		return err
	}
	s = s.defaults()
	n.settings.Store(&s)
	select {
	case n.reloaded <- struct{}{}:
	default: // Run will see the new settings
	}
	return nil
}

// Run sends notifications until ctx ends. Deliveries in flight then have a second to complete. Run
// may be called only once.
func (n *Notifier) Run(ctx context.Context) error {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer close(n.gone)
	n.sending, n.began = sending, time.Now()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		n.step(ctx)
		select {
		case <-ctx.Done():
			n.drain(ctx, cancel)
			return nil
		case r := <-n.results:
			n.finish(r)
		case <-tick.C:
		case <-n.reloaded:
		}
	}
}

// step reads new events, stores them, and then starts deliveries.
func (n *Notifier) step(ctx context.Context) {
	if !n.load(ctx) {
		return
	}
	s, now := n.settings.Load(), time.Now()
	readable := n.read(ctx, s)
	n.noteTaken(ctx, now)
	n.noteMutes(ctx, now)
	if n.o.Problems != nil && now.Sub(n.looked) >= problemsEvery {
		n.looked = now
		n.unsaved = n.book.problems(now, n.o.Problems(ctx), s) || n.unsaved
	}
	n.agree(s, now)
	n.unsaved = n.book.tidy(now, s.Receivers) || n.unsaved
	n.plan(s, now)
	n.deliver(ctx, s, now, readable, n.save(ctx) || n.unsavable(now))
	n.metrics.firing.Set(float64(n.firing()))
}

// noteTaken finds out which incidents somebody has taken over.
func (n *Notifier) noteTaken(ctx context.Context, now time.Time) {
	if n.o.Acknowledged == nil || now.Sub(n.asked) < problemsEvery {
		return
	}
	n.asked = now
	by := map[int64]*entry{}
	for _, e := range n.book.Entries {
		id, err := strconv.ParseInt(e.Alert.Labels["incident"], 10, 64)
		if e.Incident != 0 { // the label may be another detector's
			id, err = e.Incident, nil
		}
		if err == nil && e.Alert.Status == Firing {
			by[id] = e
		}
	}
	if len(by) == 0 {
		return
	}
	taken, err := n.o.Acknowledged(ctx, slices.Sorted(maps.Keys(by)))
	if n.trouble("acknowledged", err) {
		return // they are told again rather than forgotten
	}
	for _, id := range taken {
		if e := by[id]; e != nil {
			e.taken = true
		}
	}
}

// load reads the book from the store, once.
func (n *Notifier) load(ctx context.Context) bool {
	if n.book != nil {
		return true
	}
	text, err := n.o.Store.AlertState(ctx)
	if n.trouble("load", err) {
		return false
	}
	if n.book, err = readBook(text); err != nil {
		n.log.Error("the record of sent alerts cannot be read: all firing alerts are sent again", "error", err)
		n.book = newBook()
	}
	n.book.shared = n.o.Ledger != nil
	return true
}

// read takes all events from the outbox and reports whether the outbox could be read.
func (n *Notifier) read(ctx context.Context, s *Settings) bool {
	for {
		events, err := n.o.Store.Outbox(ctx, n.cursor, outboxPage)
		if n.trouble("outbox", err) {
			return false
		}
		for i := range events {
			n.book.take(&events[i], s)
			n.cursor, n.unsaved = events[i].Number, true
		}
		if len(events) < outboxPage {
			return true
		}
	}
}

// plan composes due messages for the receivers that have none pending.
func (n *Notifier) plan(s *Settings, now time.Time) {
	for i := range s.Receivers {
		r := &s.Receivers[i]
		if r.Refresh > 0 {
			delete(n.book.Receivers, r.Name) // needs no record of what was sent
			continue
		}
		if n.book.ledger(r.Name).Pending == nil && n.book.compose(r, s, now) != nil {
			n.unsaved = true
		}
	}
}

// save stores the book if it has changed.
func (n *Notifier) save(ctx context.Context) bool {
	if !n.unsaved {
		return true
	}
	text, err := n.book.text()
	if err == nil {
		err = n.o.Store.AckOutbox(ctx, n.cursor, text, n.milestones)
	}
	if n.trouble("save", err) {
		if n.unstored.IsZero() {
			n.unstored = time.Now()
		}
		return false
	}
	n.unsaved, n.milestones, n.unstored = false, nil, time.Time{}
	return true
}

// saveWait is how long a message waits for the store. Then it is sent although it is not stored:
// after a crash it may come twice, and while the disk is full, nobody would be told even of that.
const saveWait = time.Minute

// unsavable reports whether the store has failed to save the book for too long to wait for it.
func (n *Notifier) unsavable(now time.Time) bool {
	return !n.unstored.IsZero() && now.Sub(n.unstored) >= saveWait
}

// drain waits for the deliveries in flight and stores their results. A delivery that does not
// return even after its context has ended is abandoned, so its message may be sent again.
func (n *Notifier) drain(ctx context.Context, cancel context.CancelFunc) {
	defer time.AfterFunc(drainFor, cancel).Stop()
	late := time.NewTimer(drainFor + drainFor/2)
	defer late.Stop()
	for waiting := true; waiting && n.busy(); {
		select {
		case r := <-n.results:
			n.finish(r)
		case <-late.C:
			waiting = false
		}
	}
	if n.book != nil {
		n.save(context.WithoutCancel(ctx))
	}
}

// busy reports whether a delivery is in flight.
func (n *Notifier) busy() bool {
	for _, c := range n.couriers {
		if c.busy {
			return true
		}
	}
	return false
}

func (n *Notifier) firing() (count int) {
	for _, e := range n.book.Entries {
		if e.Alert.Status == Firing {
			count++
		}
	}
	return count
}

// trouble reports whether err is an error. It counts the error, and logs when a series of errors
// begins and ends.
func (n *Notifier) trouble(where string, err error) bool {
	switch had := n.troubles[where]; {
	case errors.Is(err, context.Canceled): // the end of the process
		return true
	case err != nil:
		n.metrics.troubles.WithLabelValues(where).Inc()
		if !had {
			n.log.Error("alerts wait; it is tried again", "where", where, "error", err)
		}
	case had:
		n.log.Info("alerts go on", "where", where)
	}
	n.troubles[where] = err != nil
	return err != nil
}
