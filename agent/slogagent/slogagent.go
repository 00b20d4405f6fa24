// Package slogagent reports what an application logs: a [slog.Handler] that wraps the application's
// own and hands records from a level up to an agent, as application errors (report.KindLog). Most
// readers need [New] and [Handler.Shutdown].
//
//	h := slogagent.New(a, slog.NewTextHandler(os.Stderr, nil), slogagent.Options{})
//	slog.SetDefault(slog.New(h))
//	defer h.Shutdown(ctx) // before the agent's
package slogagent

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/heliograph-net/heliograph/agent"
)

// Options configure a [Handler]. The zero value is safe: errors, and of them the message alone.
type Options struct {
	// Level is from where on records are reported; nil: slog.LevelError. What the wrapped handler
	// logs does not depend on it.
	Level slog.Leveler

	// Keys names the attributes whose values may be reported, with their groups: "op",
	// "request.method". All others are left out, key and value. What is reported is scrubbed all
	// the same (scrub.Text).
	Keys []string

	// TraceKey is the attribute that holds a trace id of 32 hex digits, with its groups;
	// "": "trace_id".
	TraceKey string

	// TraceID, if set, finds the trace id of a record without that attribute; nil:
	// agent.TraceIDFrom. It is called by the goroutine that logs and must be quick.
	TraceID func(context.Context) [16]byte

	// Queue is how many records may wait for the agent; 0: 256. What exceeds it is dropped and
	// counted (report.DropQueueFull).
	Queue int
}

const defaultQueue = 256

// Handler is a [slog.Handler]. It is safe for concurrent use if the wrapped handler is.
type Handler struct {
	next slog.Handler
	*reporter

	// What WithGroup and WithAttrs said. They do not change.
	prefix string // of keys: "request."
	found  found  // in attributes given before the record
}

// reporter is what a Handler shares with those that were made from it.
type reporter struct {
	agent    *agent.Agent
	level    slog.Leveler
	keys     map[string]bool
	traceKey string
	traceID  func(context.Context) [16]byte

	lost    atomic.Uint64 // since the worker last told
	queue   chan agent.ApplicationError
	stopped chan struct{} // closed when the worker has ended

	mu    sync.RWMutex // held for reading by who queues: nothing comes into a queue that has ended
	ended bool         // guarded by mu; the queue is closed
}

var _ slog.Handler = (*Handler)(nil)

// New wraps next. It starts a goroutine, which [Handler.Shutdown] ends. A nil agent reports
// nothing; a nil next writes nothing.
//
// next may be slog's own default handler, slog.Default().Handler(): what it would write goes to
// where the log package writes when New is called, so that the result can be the new default
// (slog.SetDefault). Attributes that it was given before, by With, are left out: give them to the
// result. A handler of another package that wraps slog's default handler cannot be: with
// it the first record would wait for ever, with this package or without.
func New(a *agent.Agent, next slog.Handler, o Options) *Handler {
	switch {
	case next == nil:
		next = slog.DiscardHandler
	case isDefault(next):
		next = newPlain(next)
	}
	r := &reporter{
		agent: a, level: o.Level, keys: make(map[string]bool, len(o.Keys)), traceKey: o.TraceKey, traceID: o.TraceID,
		stopped: make(chan struct{}),
	}
	if r.level == nil {
		r.level = slog.LevelError
	}
	for _, key := range o.Keys {
		r.keys[key] = true
	}
	if r.traceKey == "" {
		r.traceKey = "trace_id"
	}
	if r.traceID == nil {
		r.traceID = agent.TraceIDFrom
	}
	if o.Queue <= 0 {
		o.Queue = defaultQueue
	}
	r.queue = make(chan agent.ApplicationError, o.Queue)
	go r.work()
	return &Handler{next: next, reporter: r}
}

// Enabled implements [slog.Handler]: what the wrapped handler wants, and what is reported.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level) || h.wants(level)
}

func (r *reporter) wants(level slog.Level) bool {
	return level >= r.level.Level() && r.agent != nil && r.agent.Recording()
}

// Handle implements [slog.Handler]. The wrapped handler comes first and gets the records that it is
// enabled for, as they are; its error is returned.
func (h *Handler) Handle(ctx context.Context, r slog.Record) (err error) {
	if h.next.Enabled(ctx, r.Level) {
		err = h.next.Handle(ctx, r)
	}
	if h.wants(r.Level) {
		h.report(ctx, &r)
	}
	return err
}

// WithAttrs implements [slog.Handler].
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	derived := *h
	derived.next = h.next.WithAttrs(attrs)
	derived.look(attrs)
	return &derived
}

// WithGroup implements [slog.Handler].
func (h *Handler) WithGroup(name string) slog.Handler {
	derived := *h
	derived.next = h.next.WithGroup(name)
	if name != "" {
		derived.prefix += name + "."
	}
	return &derived
}

// report puts a record into the queue, or counts it as lost. Values are read here, for whoever logs
// may change them later; what costs time is left to the worker.
func (h *Handler) report(ctx context.Context, r *slog.Record) {
	e, ok := h.convert(ctx, r)
	h.mu.RLock()
	defer h.mu.RUnlock()
	if !ok || h.ended {
		return
	}
	select {
	case h.queue <- e:
	default:
		h.lost.Add(1)
	}
}

// work hands the queue to the agent until Shutdown ends it, and what is left of it then.
func (r *reporter) work() {
	defer close(r.stopped)
	for e := range r.queue {
		r.hand(e)
	}
	r.tellLost()
}

func (r *reporter) hand(e agent.ApplicationError) {
	r.agent.Capture(e)
	r.tellLost()
}

func (r *reporter) tellLost() {
	if n := r.lost.Swap(0); n > 0 {
		r.agent.Lost(n)
	}
}

// Shutdown ends reporting and hands what waits to the agent; it returns ctx's error when ctx ends
// first. Call it before the agent's Shutdown. The handlers go on logging. It may be called more
// than once, on any handler of the family.
func (h *Handler) Shutdown(ctx context.Context) error {
	h.mu.Lock()
	if !h.ended {
		h.ended = true
		close(h.queue)
	}
	h.mu.Unlock()
	select {
	case <-h.stopped:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
