package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/internal/httpx"
)

// Collector receives, stores and serves batches. Make one with [New]. Its methods are safe for
// concurrent use.
type Collector struct {
	inbox     Inbox
	log       *slog.Logger
	metrics   *metrics
	live      *live       // the settings
	gate      *httpx.Gate // closed when Run drains; uploads and polls in flight have entered it
	admission *admission
	signer    *signer
	committer *committer
	upkeep    *upkeep
	backlog   *backlog
	handler   http.Handler
	running   atomic.Bool // Run was called
	headroom  []byte      // never touched, see headroomBytes
}

// headroomBytes are allocated but never touched, so they use no physical memory. But the garbage
// collector counts them as live, and so lets more garbage accumulate between its runs. A collector
// needs only a few MiB, and without the headroom the garbage collector would run many
// times a second.
const headroomBytes = 32 << 20

// New validates the options and returns a Collector. It accepts uploads while [Collector.Run] runs.
func New(o Options) (*Collector, error) {
	first, err := prepare(o.Settings)
	if err := errors.Join(o.validate(), err); err != nil {
		return nil, err
	}
	c := &Collector{
		inbox: o.Inbox, log: o.Logger, metrics: newMetrics(), live: &live{inbox: o.Inbox, timeout: o.CommitTimeout},
		gate: httpx.NewGate(), upkeep: &upkeep{inbox: o.Inbox, log: o.Logger}, headroom: make([]byte, headroomBytes),
	}
	c.live.unlisted = &unlisted{log: o.Logger, requests: c.metrics.unlisted}
	if err := c.live.apply(first); err != nil {
		return nil, err
	}
	c.wire(&o)
	if err := c.metrics.register(o.Metrics, o.ID); err != nil {
		return nil, fmt.Errorf("collector: registering metrics: %w", err)
	}
	return c, nil
}

// wire makes the parts that handle requests.
func (c *Collector) wire(o *Options) {
	delay := &queueDelay{interval: o.MaxQueueDelay}
	shedder := &shedder{least: o.SlowDown, causes: c.metrics.shed}
	c.backlog = &backlog{inbox: o.Inbox, log: o.Logger, begin: o.SlowDownAt}
	c.signer = newSigner(o, c.metrics)
	c.committer = newCommitter(o, c.signer, delay, shedder, c.metrics)
	c.admission = newAdmission(o, c.gate, delay, c.backlog, shedder)
	intake := &intake{id: o.ID, committer: c.committer}
	feed := &feedServer{id: o.ID, live: c.live, inbox: o.Inbox, gate: c.gate, slots: httpx.NewSlots(maxFeeds),
		timeout: o.CommitTimeout, handed: c.metrics.feedBatches}
	c.metrics.watch(c.admission, c.committer, feed, c.upkeep, c.backlog)
	c.handler = routes(o, c.metrics, endpoints{
		batches: &batches{live: c.live, admission: c.admission, intake: intake, signer: c.signer, trace: o.Trace, received: c.metrics.received.batches},
		browser: &browser{id: o.ID, live: c.live, admission: c.admission, committer: c.committer, metrics: c.metrics, log: o.Logger},
		sentry:  &sentryServer{id: o.ID, live: c.live, admission: c.admission, committer: c.committer, metrics: c.metrics, log: o.Logger},
		policy:  &policyServer{live: c.live},
		feed:    feed,
		gateway: &gateway{id: o.ID, live: c.live, admission: c.admission, intake: intake, signer: c.signer, metrics: c.metrics, log: o.Logger},
	})
}

// Handler returns the handler of the public routes: /v1/batches, /v1/reports, /v1/policy, /v1/feed,
// /v1/oblivious, /v1/oblivious/keys, and /api/PROJECT/envelope/ for SDKs of Sentry. It sets its own
// read and write deadlines.
func (c *Collector) Handler() http.Handler { return c.handler }

// Reload replaces the settings for requests that start from now on. The caller must not change what
// they point to. If Reload returns an error, the old settings stay in effect.
func (c *Collector) Reload(s Settings) error {
	ready, err := prepare(s)
	if err != nil {
		return err
	}
	return c.live.apply(ready)
}

// Ready returns nil if the collector could make a batch durable now, and otherwise an error that
// names the obstacle. It really writes to the inbox. It depends on no other host.
func (c *Collector) Ready(ctx context.Context) error {
	select {
	case <-c.gate.Closed():
		return errors.New("collector is shutting down")
	default:
	}
	return c.inbox.Check(ctx)
}

// Outlook describes a problem that is coming up although the collector works now. It returns ""
// while detectors take what the collector stores, and otherwise how much it holds for them, since
// when, when it will be full, and whether agents are asked to come later for that.
func (c *Collector) Outlook(now time.Time) string {
	text := c.upkeep.forecast.outlook(now)
	if part := c.backlog.shedding(); part > 0 {
		slow := fmt.Sprintf("%.0f %% of uploads are asked to come later", 100*part)
		text = strings.TrimPrefix(text+"; "+slow, "; ")
	}
	return text
}

// Proxies says if uploads come through a proxy that is not in Settings.TrustedProxies. It returns
// "" if none did lately.
func (c *Collector) Proxies(now time.Time) string { return c.live.unlisted.outlook(now) }
