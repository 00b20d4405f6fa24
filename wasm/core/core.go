//go:build js && wasm

package main

import (
	"context"
	"errors"
	"syscall/js"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/wasm/internal/jsx"
)

const (
	maxQueue = 256 // most waiting messages; more are dropped, and their contents counted as lost
	// from the first failure to sealing: a tab can die at any moment, and failures come in bursts
	settleTime  = time.Second
	flushTime   = 25 * time.Second // the page waits for 30 s
	stopTime    = 5 * time.Second
	hideTime    = 5 * time.Second // in which uploads may have to outlive the page
	statusPause = time.Second     // between two of status
	// after the start: by then other tabs' abandoned segments are known to be so
	secondLook   = 8 * time.Second
	maxReplies   = 64      // questions that wait for one flush
	maxStateText = 1 << 10 // of texts in init
)

// core is the program of the worker. Only its loop uses the fields without another comment.
type core struct {
	queue   chan js.Value // the page's messages
	refused uint64        // messages that made no sense
	// records that were lost because the queue was full and that the agent has not counted yet;
	// used by callbacks and the loop, which never run at the same time
	missed uint64

	agent   *agent.Agent // nil before init
	spool   agent.Spool
	courier *courier
	level   report.Consent // the user's
	channel js.Value       // to other tabs; undefined: there is none
	revoked chan struct{}  // capacity 1: consent was withdrawn in another tab

	settling *time.Timer   // nil if nothing waits to be sealed
	flush    chan struct{} // capacity 1: flush now
	flushed  chan []js.Value
	asked    []js.Value // ids of the requests that wait for the next flush
	flushing bool       //
	again    bool       // a flush was due while one ran
	sealed   chan struct{}
	sealing  bool
	unsealed bool          // sealing was due while it was under way
	changed  chan struct{} // capacity 1: the agent's state has changed
	tell     chan struct{} // capacity 1: tell the page now
	telling  *time.Timer   // nil if no status is due
	stopped  bool
}

func newCore() *core {
	return &core{
		queue: make(chan js.Value, maxQueue), revoked: make(chan struct{}, 1),
		flush: make(chan struct{}, 1), flushed: make(chan []js.Value, 1), sealed: make(chan struct{}, 1), changed: make(chan struct{}, 1), tell: make(chan struct{}, 1),
	}
}

// receive receives a message from the page. It is a JavaScript callback, so it must not block.
func (c *core) receive(message js.Value) {
	if c.stopped {
		return
	}
	select {
	case c.queue <- message:
	default:
		n, isList := jsx.List(jsx.Field(message, "list"), maxRows)
		if !isList {
			n = 1
		}
		c.missed += uint64(n)
	}
}

// run is the loop. It ends on the message stop, or if the program is broken.
func (c *core) run() {
	defer func() {
		if recover() != nil {
			postFailed(failedWASM, "the agent broke down", false)
		}
		c.stopped = true
	}()
	for !c.stopped {
		select {
		case message := <-c.queue:
			c.handle(message)
		case <-c.revoked:
			c.revoke()
		case <-c.flush:
			c.startFlush()
		case ids := <-c.flushed:
			c.endFlush(ids)
		case <-c.sealed:
			c.endSeal()
		case <-c.changed:
			c.tellLater()
		case <-c.tell:
			c.tellNow()
		}
	}
}

// handle does what a message asks for. Before init, all other messages are invalid.
func (c *core) handle(message js.Value) {
	defer func() {
		if recover() != nil { // a bug that a message triggers loses only that message
			c.refused++
		}
	}()
	kind, _ := jsx.Text(jsx.Field(message, "t"), 16)
	if c.agent == nil {
		if kind != "init" || !c.init(message) {
			c.refused++
		}
		return
	}
	if c.missed > 0 {
		c.agent.Lost(c.missed)
		c.missed = 0
	}
	if !c.dispatch(kind, message) {
		c.refused++
	}
}

// dispatch handles a message. It returns false if the message is invalid.
func (c *core) dispatch(kind string, m js.Value) bool {
	id := jsx.Field(m, "id")
	switch kind {
	case "observe":
		return c.observe(m)
	case "counts":
		return c.counts(m)
	case "error":
		return c.applicationError(m)
	case "lost":
		n, ok := jsx.Integer(jsx.Field(m, "count"), 1, report.MaxCount)
		c.agent.Lost(uint64(n))
		return ok
	case "consent":
		return c.consent(m)
	case "network":
		c.agent.NetworkChanged()
	case "flush":
		c.asked = append(c.asked, id)
		c.asked = c.asked[:min(len(c.asked), maxReplies)]
		signal(c.flush)
	case "sent":
		c.sent(id)
	case "stats":
		postReply(id, c.stats())
	case "hide":
		c.courier.hide(hideTime)
		signal(c.flush)
	case "stop":
		c.stop()
	default:
		return false
	}
	return true
}

// signal wakes the receiver of c, which has capacity 1.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// failed makes sure that a failure is sealed soon.
func (c *core) failed() {
	if c.settling == nil {
		c.settling = time.AfterFunc(settleTime, func() { signal(c.flush) })
	}
}

// startFlush flushes in another goroutine, because that may take as long as the network does.
func (c *core) startFlush() {
	if c.settling != nil {
		c.settling.Stop()
		c.settling = nil
	}
	if c.flushing {
		c.again = true // endFlush sees to it
		// a hanging collector must not delay storing failures
		c.startSeal()
		return
	}
	ids := c.asked
	c.asked, c.flushing = nil, true
	go func() {
		defer func() { c.flushed <- ids }()
		ctx, cancel := context.WithTimeout(context.Background(), flushTime)
		defer cancel()
		_ = c.agent.Flush(ctx) // stats says what remains
	}()
}

// startSeal stores in another goroutine, because a disk may hang.
func (c *core) startSeal() {
	if c.sealing {
		c.unsealed = true // endSeal sees to it
		return
	}
	c.sealing = true
	go func() {
		defer func() { c.sealed <- struct{}{} }()
		c.agent.Seal()
	}()
}

func (c *core) endSeal() {
	c.sealing = false
	if c.unsealed {
		c.unsealed = false
		c.startSeal()
	}
}

func (c *core) endFlush(ids []js.Value) {
	c.flushing = false
	for _, id := range ids {
		postReply(id, js.Undefined())
	}
	if c.again {
		c.again = false
		signal(c.flush)
	}
}

// stop ends the agent and the program.
func (c *core) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	_ = c.agent.Shutdown(ctx) // the next page delivers what remains
	c.stopped = true
}

// event handles the events of the agent, on the agent's goroutines.
func (c *core) event(e agent.Event) {
	switch {
	case e.Kind == agent.EventDelivered, e.Kind == agent.EventNotDelivered && e.Reason != "":
		c.courier.settled(e.Batch)
	case e.Kind == agent.EventNotDelivered && errors.Is(e.Err, context.Canceled):
		return
	}
	signal(c.changed)
}
