//go:build js && wasm && node

package fetchtransport

import (
	"encoding/hex"
	"errors"
	"strings"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/wasm/internal/jsx"
)

// reach adds to the options of fetch what the policy says of the way to a collector: addresses to
// connect to if its name does not resolve, and the SHA-256 of keys, in hexadecimal digits, of which
// its certificate chain must have one. bindings/node/lib/deliver.js goes by them.
func reach(init map[string]any, c policy.Collector) {
	var addresses, pins []any
	for _, a := range c.Addresses {
		addresses = append(addresses, a)
	}
	for _, pin := range c.Pins {
		pins = append(pins, hex.EncodeToString(pin))
	}
	init["addresses"], init["pins"] = addresses, pins
}

// named returns the outcome of a failed request, which is the name of its error.
func named(err error) report.Outcome {
	if e, ok := errors.AsType[*jsx.Error](err); ok && strings.Contains(e.Name, ".") && report.Outcome(e.Name).Valid() {
		return report.Outcome(e.Name)
	}
	return report.NetworkFailed
}
