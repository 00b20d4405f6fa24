// Package slogagent reports what an application logs. Its [slog.Handler] wraps the application's
// own and passes records from a level up to an agent, as application errors ([report.KindLog]).
// Start with [New] and [Handler.Shutdown].
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

// Options are the options of a [Handler]. The zero value is safe: it reports only errors, and only
// their messages.
type Options struct {
	// Level is the lowest level of records that are reported; nil: slog.LevelError. It does not
	// affect what the wrapped handler logs.
	Level slog.Leveler

	// Keys names the attributes that may be reported, with their groups: "op", "request.method".
	// All others are left out, both key and value. Reported values are also scrubbed
	// ([scrub.Text]).
	Keys []string

	// TraceKey is the name, with groups, of the attribute that holds a trace id of 32 hex digits;
	// "": "trace_id".
	TraceKey string

	// TraceID returns the trace id of a record without that attribute; nil: agent.TraceIDFrom. It
	// is called by the goroutine that logs and must be quick.
	TraceID func(context.Context) [16]byte

	// Queue is how many records may wait for the agent; 0: 256. Further records are dropped and
	// counted ([report.DropQueueFull]).
	Queue int
}

const defaultQueue = 256

// Handler is a [slog.Handler]. It is safe for concurrent use if the wrapped handler is.
type Handler struct {
	next slog.Handler
	*reporter

	// The groups and attributes of WithGroup and WithAttrs. They are immutable.
	prefix string // of keys: "request."
	found  found  // in the attributes of WithAttrs
}

// reporter is what a Handler shares with the handlers derived from it.
type reporter struct {
	agent    *agent.Agent
	level    slog.Leveler
	keys     map[string]bool
	traceKey string
	traceID  func(context.Context) [16]byte

	lost    atomic.Uint64 // records lost since the worker last reported them
	queue   chan agent.ApplicationError
	stopped chan struct{} // closed when the worker has ended

	mu    sync.RWMutex // read-locked while queueing, so that nothing is queued after the end
	ended bool         // guarded by mu; the queue is closed
}

var _ slog.Handler = (*Handler)(nil)

// New returns a Handler that wraps next. It starts a goroutine, which [Handler.Shutdown] ends. With
// a nil agent nothing is reported, and with a nil next nothing is written.
//
// next may be slog's own default handler, slog.Default().Handler(). Its output then goes to the
// output that the log package has when New is called, so that the result can be the new default
// (slog.SetDefault). Attributes that it got before by With are left out; add them to the result.
// next must not be another package's handler that wraps slog's default handler: the first record
// would deadlock, with or without this package.
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

// Enabled implements [slog.Handler]. It returns true if the wrapped handler is enabled or the
// record would be reported.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level) || h.wants(level)
}

func (r *reporter) wants(level slog.Level) bool {
	return level >= r.level.Level() && r.agent != nil && r.agent.Recording()
}

// Handle implements [slog.Handler]. The wrapped handler is called first, with unchanged records for
// which it is enabled. Handle returns its error.
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

// report queues a record or counts it as lost. It reads the values at once, because the caller may
// change them later. The worker does the expensive part.
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

// work passes records from the queue to the agent until Shutdown closes the queue and it is empty.
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

// Shutdown ends reporting and passes the waiting records to the agent. It returns ctx's error if
// ctx ends first. Call it before the agent's Shutdown. The handlers continue to log. It may be
// called more than once, on any handler that was derived from the same one.
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
