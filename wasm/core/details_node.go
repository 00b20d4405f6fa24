//go:build js && wasm && node

package main

import (
	"encoding/hex"
	"net/netip"

	"github.com/heliograph-net/heliograph/agent"
)

// Elements of a row that only other programs than browsers know.
const serverParts, traceParts = 1, 1

// server reads the address and port that was tried last; anything else is an unknown server.
func (r *reader) server(o *agent.Observation) {
	if a, err := netip.ParseAddrPort(r.text(maxWord)); err == nil {
		o.Server = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
}

// trace reads a traceparent header (W3C Trace Context, section 3.2.2).
func (r *reader) trace(o *agent.Observation) {
	const version, digits = len("00-"), 2 * len(o.TraceID)
	h := r.text(maxWord)
	if len(h) < version+digits+1 || h[version-1] != '-' || h[version+digits] != '-' {
		return
	}
	if _, err := hex.Decode(o.TraceID[:], []byte(h[version:version+digits])); err != nil {
		o.TraceID = [16]byte{}
	}
}
