package collector

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/heliograph-net/heliograph/internal/httpx"
)

// Collector takes, keeps and hands on batches. Make one with New; its methods are safe for
// concurrent use.
type Collector struct {
	o        Options
	settings atomic.Pointer[settings]
	handler  http.Handler
	metrics  *metrics

	running   atomic.Bool  // Run was called
	gate      *httpx.Gate  // closed when Run drains; uploads and polls in flight are inside
	uploads   *httpx.Slots // uploads in flight
	memory    memory       // of their bodies
	delay     queueDelay
	pressure  pressure
	networks  *httpx.Limiter
	round     round     // the committer's
	idle      sync.Pool // of *upload
	forecast  forecast
	feeds     *httpx.Slots      // feed requests in flight
	committer *group[*upload]   // makes uploads durable, many at a time
	signer    *group[*unsigned] // signs refusals, many at a time
	tokens    clientTokens
	replays   replays // of Oblivious HTTP

	headroom []byte // never touched, see headroomBytes

	failing atomic.Pointer[error] // why the inbox did not take the last group; nil: it did
}

// headroomBytes are allocated and never touched, so that they take no memory. But the garbage
// collector counts them as living, and therefore lets that much more garbage gather: a collector
// lives in a few MiB, and would else be cleaned up many times a second.
const headroomBytes = 32 << 20

// New checks the options and makes a Collector, which works once its Run is called.
func New(o Options) (*Collector, error) {
	ready, err := prepare(o.Settings)
	if err := errors.Join(o.validate(), err); err != nil {
		return nil, err
	}
	c := &Collector{o: o, gate: httpx.NewGate(), uploads: httpx.NewSlots(o.MaxUploads), feeds: httpx.NewSlots(maxFeeds), memory: memory{max: o.MaxBodyBytes},
		delay: queueDelay{interval: o.MaxQueueDelay}, networks: o.Limits.limiter(), idle: sync.Pool{New: newUpload},
		headroom: make([]byte, headroomBytes)}
	if err := c.apply(ready); err != nil {
		return nil, err
	}
	c.metrics = newMetrics(c)
	c.handler = c.routes()
	c.committer = newGroup(o.MaxUploads, (*upload).weight, c.commit)
	c.signer = newGroup(o.MaxUploads, (*unsigned).weight, c.sign)
	if err := c.metrics.register(o.Metrics, o.ID); err != nil {
		return nil, fmt.Errorf("collector: registering metrics: %w", err)
	}
	return c, nil
}

// Handler serves the public routes: /v1/batches, /v1/reports, /v1/policy and /v1/feed. It sets read
// and write deadlines of its own.
func (c *Collector) Handler() http.Handler { return c.handler }

// Ready says whether the collector would make a batch durable now: nil, or an error that names what
// is in the way. It really writes to the inbox, and asks nothing beyond this host.
func (c *Collector) Ready(ctx context.Context) error {
	select {
	case <-c.gate.Closed():
		return errors.New("collector is shutting down")
	default:
	}
	return c.o.Inbox.Check(ctx)
}
