//go:build js && wasm

// Command core is the agent in a browser's worker: the program that becomes heliograph.wasm. Its
// script, heliograph.worker.js, hands each message of the page to the global function
// heliographReceive; answers go out by the worker's postMessage.
//
// Messages of the page are objects whose property t says what they are: init (first, once),
// observe, counts, error, lost, consent, network, flush, sent, stats, hide, stop. The worker's are
// ready, failed, reply, parcels, status, stopped. wasm/npm/src/messages.ts has their shapes.
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
	// were the program to end, the browser's next event would be an error in the worker; the page
	// ends the worker
	select {}
}

// post tells the page something. What cannot be sent is lost.
func post(message map[string]any) {
	_, _ = jsx.Call(js.Global(), "postMessage", message)
}

// Reasons of failed.
const (
	failedPolicy = "policy"
	failedWASM   = "wasm"
)

// postFailed says that the agent does not run, and whether to try again may help.
func postFailed(reason, text string, again bool) {
	post(map[string]any{"t": "failed", "reason": reason, "text": text, "again": again})
}

func postReply(id js.Value, value any) {
	post(map[string]any{"t": "reply", "id": id, "value": value})
}
