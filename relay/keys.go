package relay

import (
	"context"
	"sync"
	"time"
)

const (
	keysFresh   = 10 * time.Minute // for how long an answer is good
	keysRetry   = 5 * time.Second  // between questions, whatever their answers
	keysTimeout = 5 * time.Second
)

// keyCache keeps the collector's key configurations. All clients of a relay get the same ones, so
// that a collector cannot know a client again by keys that it alone was given (RFC 9458, section
// 7). The zero value is ready.
type keyCache struct {
	asking sync.Mutex // held while the collector is asked; taken before mu

	mu     sync.Mutex
	list   []byte    // owned by mu, as is the rest
	signed string    // the collector's word for the list
	asked  time.Time // when the collector was asked last; zero: never
	fresh  time.Time // until when list is good
	err    error     // of the last question
}

// now returns what is good at a time; ask says that the collector is to be asked instead.
func (c *keyCache) now(at time.Time) (list []byte, signed string, err error, ask bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at.Before(c.fresh) {
		return c.list, c.signed, nil, false
	}
	if since := at.Sub(c.asked); since >= 0 && since < keysRetry {
		if c.err == nil {
			return c.list, c.signed, nil, false
		}
		return nil, "", c.err, false
	}
	return nil, "", nil, true
}

func (c *keyCache) put(at time.Time, list []byte, signed string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list, c.signed, c.asked, c.err, c.fresh = list, signed, at, err, time.Time{}
	if err == nil {
		c.fresh = at.Add(keysFresh)
	}
}

// expire makes the next client's question go to the collector.
func (c *keyCache) expire(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at.Before(c.fresh) {
		c.fresh = at
	}
}

// keyConfigs returns the collector's key configurations, from the cache or from the collector.
func (g *gateway) keyConfigs(ctx context.Context) (list []byte, signed string, err error) {
	if list, signed, err, ask := g.keys.now(time.Now()); !ask {
		return list, signed, err
	}
	g.keys.asking.Lock() // for keysTimeout at most
	defer g.keys.asking.Unlock()
	if list, signed, err, ask := g.keys.now(time.Now()); !ask { // somebody else has asked
		return list, signed, err
	}
	list, signed, err = g.askForKeys(context.WithoutCancel(ctx)) // for all who wait
	g.keys.put(time.Now(), list, signed, err)
	return list, signed, err
}
