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
	// bytes of a URL that are read; of a longer one only the origin is used
	maxURL    = 8 << 10
	maxServer = 128 // bytes of an address and port, with some to spare
)

// request is hg_observation as a Go type. Its strings belong to C. URL and outcome are cut one byte
// beyond their limits.
type request struct {
	url, outcome, protocol, server, method string
	osError                                int32
	elapsedMS, headMS                      uint32
	status, flags                          uint16
	traceID                                [16]byte
}

// observe makes a count r. The agent does not retain r's strings.
func observe(a *agent.Agent, r *request) int32 {
	scheme, host := origin(r.url)
	if host == "" {
		return resultArgument
	}
	if !a.Recording() {
		return resultOK
	}
	server, _ := netip.ParseAddrPort(r.server) // an invalid address counts as unknown
	elapsed := time.Duration(r.elapsedMS) * time.Millisecond
	o := agent.Observation{
		Scheme: scheme, Host: host, Outcome: outcome(r), Protocol: r.protocol, Server: server, Status: r.status,
		Flags: report.Flags(r.flags), Start: time.Now().Add(-elapsed), Elapsed: elapsed, Method: r.method, URL: whole(r.url), TraceID: r.traceID,
	}
	if o.Outcome == report.OK && r.headMS > 0 {
		o.Elapsed = time.Duration(r.headMS) * time.Millisecond
	}
	a.Observe(o)
	return resultOK
}

// whole returns url, or "" if the limit has cut it, because half a secret might look like a word
// and be kept.
func whole(url string) string {
	if len(url) > maxURL {
		return ""
	}
	return url
}

// outcome returns the outcome that the caller gives, or the one that follows from the
// error number or the status.
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

// origin returns scheme and host of an absolute http, https, ws or wss URL, without user and
// password. It returns "" for other URLs.
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
