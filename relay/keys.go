package relay

import (
	"context"
	"sync"
	"time"
)

const (
	keysFresh   = 10 * time.Minute // how long an answer is fresh
	keysRetry   = 5 * time.Second  // least time between questions, whatever the answers are
	keysTimeout = 5 * time.Second
)

// keyCache caches the collector's key configurations. All clients of a relay get the same ones, so
// a collector cannot recognise a client by keys that only that client was given (RFC 9458, section
// 7). The zero value is ready to use.
type keyCache struct {
	asking sync.Mutex // held while the collector is asked; taken before mu

	mu     sync.Mutex
	list   []byte    // guarded by mu, like the fields below
	signed string    // the collector's signature for list
	asked  time.Time // when the collector was last asked; zero if never
	fresh  time.Time // until when list is fresh
	err    error     // of the last question
}

// now returns what the cache has for the given time. If ask is true, the collector must be asked
// instead.
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

// expire makes the next request of a client go to the collector.
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
	// another request has asked meanwhile
	if list, signed, err, ask := g.keys.now(time.Now()); !ask {
		return list, signed, err
	}
	list, signed, err = g.askForKeys(context.WithoutCancel(ctx)) // the answer is for all who wait
	g.keys.put(time.Now(), list, signed, err)
	return list, signed, err
}
