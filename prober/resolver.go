package prober

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

// maxQuestion is how long this machine's name servers may take to answer.
const maxQuestion = 2 * time.Second

// resolver judges whether this machine's name servers work. They are asked like witnesses. All
// methods are safe for concurrent use.
type resolver struct {
	vantage *vantage
	asked   atomic.Bool // by learn
	able    atomic.Bool // they have answered the question once
}

func newResolver(env probe.Env) *resolver {
	r := &resolver{}
	r.vantage = &vantage{logger: slog.New(slog.DiscardHandler), hear: func(*probe.Result) {}}
	r.replace(env)
	return r
}

// replace makes r ask the name servers of env.
func (r *resolver) replace(env probe.Env) {
	r.vantage.replace([]probe.Func{r.question(env)}, maxQuestion)
}

// works reports whether the name servers work, now or a moment ago.
func (r *resolver) works(ctx context.Context) bool { return r.vantage.vouch(ctx, time.Now()) }

// learn asks the name servers once, so that it is known what they can answer when they work. It is
// called when a name was found.
func (r *resolver) learn(ctx context.Context) {
	if r.asked.CompareAndSwap(false, true) {
		r.works(ctx)
	}
}

// question returns an attempt to ask this machine's name servers for those of the root, which each
// knows that looks up names for others. Any answer will do, even a refusal, but not SERVFAIL
// if they could answer before: a network without the Internet may have name servers that never can.
func (r *resolver) question(env probe.Env) probe.Func {
	from := net.DefaultResolver
	if env.Dialer != nil && env.Dialer.Resolver != nil {
		from = env.Dialer.Resolver
	}
	return func(ctx context.Context) (probe.Result, error) {
		result := probe.Result{Outcome: report.OK, Started: time.Now()}
		_, err := from.LookupNS(ctx, ".")
		switch {
		case err == nil:
			r.able.Store(true)
		case !answered(err), r.able.Load() && serverFailed(err):
			result.Outcome = report.DNSFailed
		}
		return result, nil
	}
}

// answered reports whether a lookup failed with an answer.
func answered(err error) bool {
	dns, ok := errors.AsType[*net.DNSError](err)
	// package net has the socket's error only as text
	return ok && !dns.IsTimeout && !strings.Contains(dns.Err, "refused") && !strings.Contains(dns.Err, "unreachable")
}

// serverFailed reports whether a lookup failed with the answer SERVFAIL, the only one that package
// net calls temporary.
func serverFailed(err error) bool {
	dns, ok := errors.AsType[*net.DNSError](err)
	return ok && dns.IsTemporary && answered(err)
}
