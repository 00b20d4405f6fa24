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
	stopTime  = 400 * time.Millisecond // for each of the two steps after it
)

// Run works until ctx ends, drains the collector and returns nil. It may be called once. An upload
// that comes before it waits for it, as it would for a slow inbox.
//
// When ctx ends, new uploads are told to come later, by signed slow-downs, and long polls of the
// feed end at once; uploads in flight have two seconds to arrive and be stored. Run returns within
// three seconds; an error says that the inbox still held on to a commit. Let the HTTP server serve
// the Handler until Run has returned, so that agents turn to another collector, and close the Inbox
// afterwards. The Handler goes on answering after Run as it does while draining.
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

	<-ctx.Done()
	c.gate.Close()
	if !httpx.Within(drainTime, c.gate.Idle()) {
		c.log.Warn("uploads were still in flight when the collector stopped; they are told to come later")
		c.committer.giveUp()
		httpx.Within(stopTime, c.gate.Idle()) // for their answers
	}
	c.committer.queue.end()
	c.signer.queue.end()
	ended := make(chan struct{})
	go func() { workers.Wait(); close(ended) }()
	if !httpx.Within(stopTime, ended) {
		return errors.New("collector: the inbox still holds on to a commit")
	}
	return nil
}
