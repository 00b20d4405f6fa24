//go:build js && wasm

package main

import (
	"syscall/js"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/wasm/internal/jsx"
)

// withdrawn is the message to other tabs when the user withdraws consent.
const withdrawn = "consent withdrawn"

// openChannel listens to other tabs. Without a BroadcastChannel, a tab does not learn of a
// withdrawal in another tab until it is loaded again.
func (c *core) openChannel(db string) {
	class := jsx.Field(js.Global(), "BroadcastChannel")
	if !class.Truthy() {
		return
	}
	channel, err := jsx.Try(func() js.Value { return class.New(db + ".consent") })
	if err != nil {
		return
	}
	channel.Set("onmessage", js.FuncOf(func(_ js.Value, args []js.Value) any {
		if len(args) > 0 {
			if text, _ := jsx.Text(jsx.Field(args[0], "data"), len(withdrawn)); text == withdrawn {
				signal(c.revoked)
			}
		}
		return nil
	}))
	c.channel = channel
}

// consent applies the user's new choice. It returns false if the message is invalid.
func (c *core) consent(m js.Value) bool {
	n, ok := jsx.Integer(jsx.Field(m, "level"), int64(report.Off), int64(report.Diagnostics))
	if !ok {
		return false
	}
	level := report.Consent(n)
	if level == report.Off && c.level != report.Off && c.channel.Truthy() {
		// sent first, so that no other tab restores what is deleted next
		_, _ = jsx.Call(c.channel, "postMessage", withdrawn)
	}
	c.setConsent(level)
	return true
}

// revoke applies a withdrawal in another tab. The page learns of it through the status.
func (c *core) revoke() {
	if c.agent != nil && c.level != report.Off {
		c.setConsent(report.Off)
	}
}

func (c *core) setConsent(level report.Consent) {
	if level == report.Off {
		c.courier.forget()
	}
	c.level = level
	c.agent.SetConsent(level)
	signal(c.changed)
}

// vanish deletes the database if there is no consent and the deletion notice in it has been
// delivered. It reports whether nothing is left to do.
func (c *core) vanish() bool {
	if c.level != report.Off {
		return false
	}
	notice, err := c.spool.State(agent.StateNotice, func([]byte) []byte { return nil })
	if err != nil || len(notice) > 0 {
		return false
	}
	return c.spool.Purge() == nil
}
