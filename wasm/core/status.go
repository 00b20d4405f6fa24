//go:build js && wasm

package main

import (
	"syscall/js"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// tellLater sends the status to the page, but not too often.
func (c *core) tellLater() {
	if c.telling == nil {
		c.telling = time.AfterFunc(statusPause, func() { signal(c.tell) })
	}
}

// tellNow sends the status to the page.
func (c *core) tellNow() {
	c.telling = nil
	if c.agent == nil {
		return
	}
	status := c.stats()
	status["t"] = "status"
	post(status)
}

// stats returns the status for the page. In it, done means that there is no consent and nothing
// left to do, so the page may end the worker.
func (c *core) stats() map[string]any {
	s := c.agent.Stats()
	dropped := make(map[string]any, len(s.Dropped))
	for reason, n := range s.Dropped {
		dropped[reason] = number(n)
	}
	return map[string]any{
		"consent": int(c.level), "inForce": int(s.Consent), "policy": number(s.PolicyVersion),
		"observed": number(s.Observed), "errors": number(s.Errors), "windows": number(s.Windows), "sampledOut": number(s.SampledOut),
		"sealed": number(s.Sealed), "delivered": number(s.Delivered), "deliveredBytes": number(s.DeliveredBytes), "attempts": number(s.Attempts),
		"pending": s.Pending, "pendingBytes": number(uint64(s.PendingBytes)), "dropped": dropped, "panics": number(s.Panics),
		"refused": number(c.refused), "storage": storage(c.spool), "done": c.vanish(),
	}
}

// number converts n to a JavaScript number.
func number(n uint64) float64 { return float64(n) }

// sent answers with the log of what was sent from this device.
func (c *core) sent(id js.Value) {
	all, _ := c.agent.Sent() // entries that cannot be read are left out
	list := make([]any, 0, len(all))
	for _, r := range all {
		requests := make([]any, 0, len(r.Requests))
		for _, q := range r.Requests {
			requests = append(requests, map[string]any{"target": q.Target, "outcome": string(q.Outcome), "count": number(q.Count)})
		}
		list = append(list, map[string]any{
			"at": r.At.UnixMilli(), "collector": r.Collector, "url": r.URL, "batch": r.Batch.String(), "bytes": number(r.Bytes),
			"born": r.Born.UnixMilli(), "known": r.Known, "diagnostics": r.Consent == report.Diagnostics,
			"requests": requests, "samples": texts(r.Samples), "errors": texts(r.Errors), "more": number(r.More), "text": r.String(),
		})
	}
	postReply(id, list)
}

func texts(list []string) []any {
	out := make([]any, 0, len(list))
	for _, s := range list {
		out = append(out, s)
	}
	return out
}
