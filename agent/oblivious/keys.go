package oblivious

import (
	"context"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/privacy/auth"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
	"github.com/heliograph-net/heliograph/privacy/policy"
)

// keysRetry is the shortest time between two requests for other keys than the policy's. So a relay
// that claims that keys are old, rightly or not, cannot cause more requests.
const keysRetry = 5 * time.Minute

// keys has the keys in use. The zero value is ready to use.
type keys struct {
	mu      sync.Mutex
	current map[string]*inUse // guarded by mu; by what the policy says
}

// inUse is the key of one gateway.
type inUse struct {
	key   *ohttp.KeyConfig
	asked time.Time // when another key was last requested; zero: never
}

// maxInUse limits the entries: those of the present policy and of some earlier ones.
const maxInUse = 4 * policy.MaxCollectors

// entry returns the entry of a gateway under the present policy. Requested keys are forgotten when
// the policy changes.
func (c *Client) entry(to policy.Collector) (*inUse, error) {
	name := to.ID + "\x00" + to.Relay + "\x00" + string(to.ObliviousKeys)
	if e := c.keys.current[name]; e != nil {
		return e, nil
	}
	list, err := ohttp.ParseKeyConfigs(to.ObliviousKeys, c.kems...)
	if err != nil {
		return nil, err
	}
	if c.keys.current == nil || len(c.keys.current) >= maxInUse {
		c.keys.current = make(map[string]*inUse)
	}
	e := &inUse{key: list[0]}
	c.keys.current[name] = e
	return e, nil
}

// key returns the key to use for a gateway.
func (c *Client) key(to policy.Collector) (*ohttp.KeyConfig, error) {
	c.keys.mu.Lock()
	defer c.keys.mu.Unlock()
	e, err := c.entry(to)
	if err != nil {
		return nil, err
	}
	return e.key, nil
}

// otherKey returns another key of a gateway that no longer has the old one, or nil. It is a key
// that was already received or that is requested now through the relay. The collector's receipt key
// must have signed it.
func (c *Client) otherKey(ctx context.Context, to policy.Collector, old *ohttp.KeyConfig) *ohttp.KeyConfig {
	c.keys.mu.Lock()
	e, err := c.entry(to)
	if err != nil || e.key != old {
		defer c.keys.mu.Unlock()
		if err != nil {
			return nil
		}
		return e.key
	}
	if since := time.Since(e.asked); !e.asked.IsZero() && since >= 0 && since < keysRetry {
		c.keys.mu.Unlock()
		return nil
	}
	e.asked = time.Now()
	c.keys.mu.Unlock()
	a := c.send(ctx, to, Request{Method: "GET", URL: to.Relay + "/keys", Limit: ohttp.MaxKeys})
	if a.Err != nil || a.Status != 200 || auth.VerifyGatewayKeys(a.Signed, to.ID, a.Body, time.Now(), to.ReceiptKey) != nil {
		return nil
	}
	list, err := ohttp.ParseKeyConfigs(a.Body, c.kems...)
	if err != nil {
		return nil
	}
	c.keys.mu.Lock()
	defer c.keys.mu.Unlock()
	e.key = list[0]
	return list[0]
}
