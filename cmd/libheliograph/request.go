//go:build cgo

package main

import (
	"context"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

const (
	// bytes of a URL that are looked at; of a longer one only the origin is used
	maxURL    = 8 << 10
	maxServer = 128 // bytes of an address and port, generously
)

// request is hg_observation in Go's terms. Its strings belong to C. URL and outcome may be longer
// than allowed by one byte, but not more.
type request struct {
	url, outcome, protocol, server, method string
	osError                                int32
	elapsedMS                              uint32
	status, flags                          uint16
	traceID                                [16]byte
}

// observe has a count r. It keeps no reference to r's strings, because the agent does not.
func observe(a *agent.Agent, r *request) int32 {
	scheme, host := origin(r.url)
	if host == "" {
		return resultArgument
	}
	if !a.Recording() {
		return resultOK
	}
	server, _ := netip.ParseAddrPort(r.server) // what is no address is an unknown one
	elapsed := time.Duration(r.elapsedMS) * time.Millisecond
	a.Observe(agent.Observation{
		Scheme: scheme, Host: host, Outcome: outcome(r), Protocol: r.protocol, Server: server, Status: r.status,
		Flags: report.Flags(r.flags), Start: time.Now().Add(-elapsed), Elapsed: elapsed, Method: r.method, URL: whole(r.url), TraceID: r.traceID,
	})
	return resultOK
}

// whole is url, unless the limit has cut it: half a secret might look like a word, and stay.
func whole(url string) string {
	if len(url) > maxURL {
		return ""
	}
	return url
}

// outcome is what the caller says, or what follows from the numbers.
func outcome(r *request) report.Outcome {
	switch {
	case r.outcome != "":
		return report.Outcome(r.outcome)
	case r.osError != 0:
		return httpagent.Classify(context.Background(), syscall.Errno(r.osError))
	case r.status >= 400:
		return report.HTTPError
	default:
		return report.OK
	}
}

// origin cuts scheme and host out of an absolute http, https, ws or wss URL, without user and
// password; "" if it is none.
func origin(url string) (scheme, host string) {
	scheme, rest, _ := strings.Cut(url, "://")
	switch strings.ToLower(scheme) {
	case "http", "https", "ws", "wss":
	default:
		return "", ""
	}
	if end := strings.IndexAny(rest, `/\?#`); end >= 0 {
		rest = rest[:end]
	}
	return scheme, rest[strings.LastIndexByte(rest, '@')+1:]
}
