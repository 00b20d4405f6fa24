package collector

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
)

// Collector takes, keeps and hands on batches. Make one with New; its methods are safe for
// concurrent use.
type Collector struct {
	o        Options
	settings atomic.Pointer[settings]
	handler  http.Handler
	metrics  *metrics

	// closed by Shutdown; whoever uses the committer, the signer or the inbox is inside
	gate      gate
	closing   context.Context // ends when Shutdown begins; long polls watch it
	beginStop func()          // ends closing
	uploads   slots           // uploads in flight
	memory    memory          // of their bodies
	delay     queueDelay
	pressure  pressure
	sources   *sources
	round     round     // the committer's
	idle      sync.Pool // of *upload
	forecast  forecast
	feeds     slots             // feed requests in flight
	committer *group[*upload]   // makes uploads durable, many at a time
	signer    *group[*unsigned] // signs refusals, many at a time
	tokens    clientTokens
	replays   replays // of Oblivious HTTP

	maintained chan struct{} // closed when maintain has ended
	headroom   []byte        // never touched, see headroomBytes

	failing atomic.Pointer[error] // why the inbox did not take the last group; nil: it did
	stop    sync.Once
}

// headroomBytes are allocated and never touched, so that they take no memory. But the garbage
// collector counts them as living, and therefore lets that much more garbage gather: a collector
// lives in a few MiB, and would else be cleaned up many times a second.
const headroomBytes = 32 << 20

// New checks the options and starts the collector's own goroutines; Shutdown ends them.
func New(o Options) (*Collector, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	c := &Collector{o: o, uploads: slots{max: int64(o.MaxUploads)}, feeds: slots{max: maxFeeds}, memory: memory{max: o.MaxBodyBytes},
		delay: queueDelay{interval: o.MaxQueueDelay}, sources: newSources(o.Limits), idle: sync.Pool{New: newUpload},
		headroom: make([]byte, headroomBytes)}
	if err := c.Reload(o.Settings); err != nil {
		return nil, err
	}
	c.closing, c.beginStop = context.WithCancel(context.Background())
	c.metrics = newMetrics(c)
	c.handler = c.routes()
	c.maintained = make(chan struct{})
	go c.maintain()
	c.committer = startGroup(o.MaxUploads, (*upload).weight, c.commit)
	c.signer = startGroup(o.MaxUploads, (*unsigned).weight, c.sign)
	if err := c.metrics.register(o.Metrics, o.ID); err != nil {
		err = fmt.Errorf("collector: registering metrics: %w", err)
		return nil, errors.Join(err, c.Shutdown(context.Background()))
	}
	return c, nil
}

// Handler serves the public routes: /v1/batches, /v1/reports, /v1/policy and /v1/feed. It sets read
// and write deadlines of its own.
func (c *Collector) Handler() http.Handler { return c.handler }

// Ready says whether the collector would make a batch durable now: nil, or an error that names what
// is in the way. It really writes to the inbox, and asks nothing beyond this host.
func (c *Collector) Ready(ctx context.Context) error {
	if c.closing.Err() != nil {
		return errors.New("collector is shutting down")
	}
	return c.o.Inbox.Check(ctx)
}

// Shutdown refuses new uploads with a slow-down, ends long polls, waits for uploads in flight and
// stops the collector's goroutines. Call it before the HTTP server's own Shutdown, so that agents
// turn to another collector, and close the Inbox afterwards. It is idempotent; an error says that
// ctx ended before all uploads had their answer.
func (c *Collector) Shutdown(ctx context.Context) error {
	c.beginStop()
	err := c.gate.close(ctx)
	c.stop.Do(func() {
		c.committer.end()
		c.signer.end()
		c.metrics.unregister()
	})
	for _, done := range []<-chan struct{}{c.committer.done, c.signer.done, c.maintained} {
		select {
		case <-done:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		return fmt.Errorf("collector: uploads were still in flight: %w", err)
	}
	return nil
}
