//go:build js && wasm

// Command core is the agent in a browser's worker. It is compiled to heliograph.wasm. The worker's
// script, heliograph.worker.js, passes each message from the page to the global function
// heliographReceive. Answers are sent with the worker's postMessage.
//
// Messages are objects whose property t is their kind. Those from the page are init (first and
// once), observe, counts, error, lost, consent, network, flush, sent, stats, hide and stop. Those
// from the worker are ready, failed, reply, parcels, status and stopped. wasm/npm/src/messages.ts
// defines them.
package main

import (
	"syscall/js"

	"github.com/heliograph-net/heliograph/wasm/internal/jsx"
)

func main() {
	c := newCore()
	js.Global().Set("heliographReceive", js.FuncOf(func(_ js.Value, args []js.Value) any {
		if len(args) > 0 {
			c.receive(args[0])
		}
		return nil
	}))
	c.run()
	post(map[string]any{"t": "stopped"})
	// if the program ended, the browser's next event would be an error in the worker; the page ends
	// the worker
	select {}
}

// post sends a message to the page. A message that cannot be sent is lost.
func post(message map[string]any) {
	_, _ = jsx.Call(js.Global(), "postMessage", message)
}

// Reasons of failed.
const (
	failedPolicy = "policy"
	failedWASM   = "wasm"
)

// postFailed tells the page that the agent does not run, and whether trying again may help.
func postFailed(reason, text string, again bool) {
	post(map[string]any{"t": "failed", "reason": reason, "text": text, "again": again})
}

func postReply(id js.Value, value any) {
	post(map[string]any{"t": "reply", "id": id, "value": value})
}
