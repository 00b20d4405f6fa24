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

// courier is the Transport to the collectors. It gives the page each upload without a receipt so
// far, so that a page that is closed can send it again with a request that outlives the page
// (Fetch, keepalive). The segment stays in the spool. If both uploads succeed, the collector
// recognises the second as a duplicate.
type courier struct {
	fetchtransport.Transport

	mu      sync.Mutex // owns what follows
	hidden  time.Time  // end of the time in which uploads may have to outlive the page
	parcels []parcel   // oldest first
}

type parcel struct {
	id       report.BatchID
	to       policy.Collector
	segment  []byte
	delivery report.Delivery
	at       time.Time // the time that delivery.Age is for
}

// maxParcels is the most bytes of uploads that the page gets.
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

// tried records an upload and replaces an earlier one of the same segment. If there are too many,
// it drops the oldest.
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

// settled forgets an upload, after its receipt has come.
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

// forget forgets all uploads, after consent was withdrawn.
func (c *courier) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.parcels = nil
	c.tell()
}

// hide records that the page is hidden, so that it may end at any moment, and gives the page the
// uploads with their present ages.
func (c *courier) hide(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hidden = time.Now().Add(d)
	if len(c.parcels) > 0 {
		c.tell()
	}
}

// tell sends the list of uploads to the page. The caller must hold mu.
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
		// for a relay, sealed again each time, because a gateway refuses replays
		url, fields, body, err := c.Upload(p.to, p.id, delivery, p.segment)
		if err != nil {
			continue
		}
		headers := make(map[string]any)
		for _, h := range fields {
			headers[h[0]] = h[1]
		}
		list = append(list, map[string]any{
			"url": url, "body": jsx.Array(body), "method": "POST", "headers": headers,
			"keepalive": true, "credentials": "omit", "referrerPolicy": "no-referrer", "redirect": "error",
		})
	}
	post(map[string]any{"t": "parcels", "list": list})
}
