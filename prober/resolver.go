package prober

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

// maxQuestion is how long this machine's name servers may take to answer.
const maxQuestion = 2 * time.Second

// newNames returns what judges whether this machine's name servers answer. They are asked like
// witnesses.
func newNames(env probe.Env) *vantage {
	return &vantage{witnesses: []probe.Func{question(env)}, timeout: maxQuestion, logger: slog.New(slog.DiscardHandler), hear: func(*probe.Result) {}}
}

// question returns an attempt to ask this machine's name servers for those of the root, which each
// knows that looks up names for others. Any answer will do, even a refusal.
func question(env probe.Env) probe.Func {
	resolver := net.DefaultResolver
	if env.Dialer != nil && env.Dialer.Resolver != nil {
		resolver = env.Dialer.Resolver
	}
	return func(ctx context.Context) (probe.Result, error) {
		r := probe.Result{Outcome: report.OK, Started: time.Now()}
		if _, err := resolver.LookupNS(ctx, "."); err != nil && !answered(err) {
			r.Outcome = report.DNSTimedOut
		}
		return r, nil
	}
}

// answered reports whether a lookup failed with an answer.
func answered(err error) bool {
	dns, ok := errors.AsType[*net.DNSError](err)
	// package net has the socket's error only as text
	return ok && !dns.IsTimeout && !strings.Contains(dns.Err, "refused") && !strings.Contains(dns.Err, "unreachable")
}
