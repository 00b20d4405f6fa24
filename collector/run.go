package collector

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/internal/httpx"
)

const (
	drainTime = 2 * time.Second        // for uploads in flight, after Run's context has ended
	stopTime  = 400 * time.Millisecond // for each of the two following steps
)

// Run runs the collector until ctx ends, drains it and returns nil. It may be called only once. An
// upload that arrives before Run waits for it, as for a slow inbox.
//
// When ctx ends, new uploads are answered with signed slow-downs, and long polls of the feed end at
// once. Uploads in flight have two seconds to arrive and to be stored. Run returns within three
// seconds. It returns an error if a commit of the inbox has still not returned. Let the HTTP server
// serve the Handler until Run has returned, so that agents turn to another collector, and close the
// Inbox afterwards. After Run, the Handler continues to answer as it does while draining.
func (c *Collector) Run(ctx context.Context) error {
	if c.running.Swap(true) {
		return errors.New("collector: Run was called before")
	}
	defer c.metrics.unregister()
	c.signer.queue.open()
	var workers sync.WaitGroup
	workers.Go(c.committer.queue.run)
	workers.Go(c.signer.queue.run)
	workers.Go(func() { c.upkeep.run(ctx) })
	workers.Go(func() { c.backlog.run(ctx) })

	<-ctx.Done()
	c.gate.Close()
	if !httpx.Within(drainTime, c.gate.Idle()) {
		c.log.Warn("uploads were still in flight when the collector stopped; their clients are told to come later")
		c.committer.giveUp()
		httpx.Within(stopTime, c.gate.Idle()) // so that they get their answers
	}
	c.committer.queue.end()
	c.signer.queue.end()
	ended := make(chan struct{})
	go func() { workers.Wait(); close(ended) }()
	if !httpx.Within(stopTime, ended) {
		return errors.New("collector: a commit of the inbox has not returned")
	}
	return nil
}
