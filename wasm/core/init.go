//go:build js && wasm

package main

import (
	"syscall/js"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/wasm/internal/jsx"
)

// init starts the agent. It returns false if the message is invalid. It reports other errors
// to the page.
func (c *core) init(m js.Value) bool {
	text := func(name string) string {
		s, _ := jsx.Text(jsx.Field(m, name), maxStateText)
		return s
	}
	level, ok := jsx.Integer(jsx.Field(m, "consent"), int64(report.Off), int64(report.Diagnostics))
	if !ok {
		return false
	}
	spool, err := openSpool(text("db"))
	if err != nil {
		postFailed(failedWASM, err.Error(), false)
		return true
	}
	policy, err := policyOf(spool, jsx.Field(m, "policy"), level > 0)
	if err != nil {
		postFailed(failedPolicy, err.Error(), true)
		return true
	}
	c.courier = newCourier()
	a, err := agent.New(agent.Options{
		App: text("app"), Version: text("version"), OS: text("os"), Policy: policy, Consent: report.Consent(level),
		Spool: spool, Transport: c.courier, OnEvent: c.event,
	})
	if err != nil {
		postFailed(failedPolicy, err.Error(), false)
		return true
	}
	c.agent, c.spool, c.level = a, spool, report.Consent(level)
	c.openChannel(text("db"))
	time.AfterFunc(secondLook, func() { signal(c.flush) })
	post(map[string]any{"t": "ready"})
	signal(c.changed)
	return true
}
