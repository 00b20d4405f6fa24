//go:build js && wasm

package main

import (
	"context"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/wasm/internal/fetchtransport"
	"github.com/heliograph-net/heliograph/wasm/internal/jsx"
)

// courier is the way to the collectors. It lets the page know each upload whose receipt has not
// come yet, ready to be sent once more, so that a page that is left can send it with a request that
// outlives it (Fetch, keepalive). The segment stays in the spool; should both get through, the
// collector knows the batch already.
type courier struct {
	fetchtransport.Transport

	mu      sync.Mutex // owns what follows
	hidden  time.Time  // until when uploads may have to outlive the page
	parcels []parcel   // oldest first
}

type parcel struct {
	id       report.BatchID
	to       policy.Collector
	segment  []byte
	delivery report.Delivery
	at       time.Time // when delivery.Age was right
}

// maxParcels is how many bytes the page is handed.
const maxParcels = fetchtransport.MaxKeepalive

func newCourier() *courier {
	c := new(courier)
	c.Hidden = func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return time.Now().Before(c.hidden)
	}
	return c
}

// Deliver implements agent.Transport.
func (c *courier) Deliver(ctx context.Context, to policy.Collector, id report.BatchID, delivery, segment []byte) agent.Response {
	if d, err := report.DecodeDelivery(delivery); err == nil && len(segment) <= maxParcels {
		c.tried(parcel{id, to, segment, d, time.Now()})
	}
	return c.Transport.Deliver(ctx, to, id, delivery, segment)
}

// tried notes an upload, in place of an earlier one of the segment. The oldest that find
// no room go.
func (c *courier) tried(p parcel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(p.id)
	c.parcels = append(c.parcels, p)
	size := 0
	for i := len(c.parcels) - 1; i >= 0; i-- {
		if size += len(c.parcels[i].segment); size > maxParcels {
			c.parcels = c.parcels[i+1:]
			break
		}
	}
	c.tell()
}

// settled forgets an upload: its receipt has come.
func (c *courier) settled(id report.BatchID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.remove(id) {
		c.tell()
	}
}

func (c *courier) remove(id report.BatchID) bool {
	for i := range c.parcels {
		if c.parcels[i].id == id {
			c.parcels = append(c.parcels[:i:i], c.parcels[i+1:]...)
			return true
		}
	}
	return false
}

// forget forgets all uploads: consent was withdrawn.
func (c *courier) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parcels = nil
	c.tell()
}

// hide says that nobody looks at the page, so that it may end at any moment, and tells the page the
// ages of now.
func (c *courier) hide(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hidden = time.Now().Add(d)
	if len(c.parcels) > 0 {
		c.tell()
	}
}

// tell hands the page the list. The caller holds mu.
func (c *courier) tell() {
	list := make([]any, 0, len(c.parcels))
	for i := range c.parcels {
		p := &c.parcels[i]
		d := p.delivery
		d.Age = min(d.Age+uint64(max(time.Since(p.at), 0).Milliseconds()), report.MaxAge)
		delivery, err := report.AppendDelivery(nil, d)
		if err != nil {
			continue
		}
		// sealed anew each time, if to a relay: once sent it is not taken again
		url, fields, body, err := c.Upload(p.to, p.id, delivery, p.segment)
		if err != nil {
			continue
		}
		headers := make(map[string]any)
		for _, h := range fields {
			headers[h[0]] = h[1]
		}
		list = append(list, map[string]any{"url": url, "headers": headers, "body": jsx.Array(body)})
	}
	post(map[string]any{"t": "parcels", "list": list})
}
