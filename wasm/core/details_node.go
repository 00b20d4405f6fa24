//go:build js && wasm && node

package main

import (
	"net/netip"

	"github.com/heliograph-net/heliograph/agent"
)

// serverParts is how many elements of a row say which server it was. Only other programs than
// browsers know.
const serverParts = 1

// server reads the address and port that was tried last; anything else is an unknown server.
func (r *reader) server(o *agent.Observation) {
	if a, err := netip.ParseAddrPort(r.text(maxWord)); err == nil {
		o.Server = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
}
