package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// fault is one act of the script: something real breaks, and a certain incident must follow.
type fault struct {
	what   string // for the timeline
	begin  func() error
	end    func(context.Context) error
	expect func(*model.Incident) bool // right outcome, right network or server
	seen   func() bool                // nil, or what else must be true while it is flagged
}

// faults are the acts, in order.
func (s *stage) faults() []fault {
	reset, dns := &networks[1], &networks[3]
	dead := s.places[3]
	return []fault{
		{
			what:   fmt.Sprintf("a middlebox resets connections from AS%d %s", reset.ASN, reset.Name),
			begin:  func() error { s.service.reset.Store(&reset.Prefix); return nil },
			end:    func(context.Context) error { s.service.reset.Store(nil); return nil },
			expect: s.hits(report.TCPReset, reset.ASN),
		},
		{
			what:  fmt.Sprintf("server %s (%s) dies", dead.Name, s.service.Server(dead.Addr)),
			begin: func() error { s.service.Kill(dead.Addr); return nil },
			end:   func(context.Context) error { return s.service.Start(dead.Addr) },
			expect: func(i *model.Incident) bool {
				return i.Target == s.service.URL() && i.Outcome == report.TCPRefused && slices.Equal(i.Scope.Servers, []string{s.service.Server(dead.Addr)})
			},
			seen: func() bool { return s.node.ServerDown(s.service.Server(dead.Addr)) },
		},
		{
			what:   fmt.Sprintf("the service's name server fails for AS%d %s", dns.ASN, dns.Name),
			begin:  func() error { s.names.fail.Store(&dns.Prefix); return nil },
			end:    func(context.Context) error { s.names.fail.Store(nil); return nil },
			expect: s.hits(report.DNSFailed, dns.ASN),
		},
		{
			what:  fmt.Sprintf("collector %s is killed with reports in flight", s.collectors[0].id),
			begin: s.collectors[0].Kill,
			end:   s.collectors[0].Start,
			expect: func(i *model.Incident) bool {
				return i.App == model.DeliveryApp && i.Target == model.CollectorTarget+s.collectors[0].id && i.Outcome.Under("tcp")
			},
		},
	}
}

// hits expects an incident of the service for one network.
func (s *stage) hits(o report.Outcome, asn uint32) func(*model.Incident) bool {
	return func(i *model.Incident) bool {
		return i.Target == s.service.URL() && i.Outcome == o && slices.Equal(i.Scope.ASNs, []uint32{asn})
	}
}

// play runs one fault: begin, wait until it is flagged, end, wait until all is clear. The error
// says what did not happen.
func (s *stage) play(ctx context.Context, f fault) error {
	began := time.Now()
	s.line("FAULT    %s", f.what)
	if err := f.begin(); err != nil {
		return fmt.Errorf("%s: %w", f.what, err)
	}
	flagged, err := s.await(ctx, s.times.flagWithin, func(open []model.Incident) *model.Incident {
		for i := range open {
			if open[i].Page && f.expect(&open[i]) && (f.seen == nil || f.seen()) {
				return &open[i]
			}
		}
		return nil
	})
	if err != nil {
		_ = f.end(context.WithoutCancel(ctx))
		return fmt.Errorf("%s: not flagged as expected: %w", f.what, err)
	}
	s.took = append(s.took, time.Since(began))
	s.line("flagged  after %4.1f s: %s", time.Since(began).Seconds(), flagged.Title)
	s.expected[flagged.ID] = true
	pause := s.times.hold
	if s.o.Once {
		pause = s.times.holdOnce
	}
	if !sleep(ctx, pause) {
		return ctx.Err()
	}
	ended := time.Now()
	if err := f.end(ctx); err != nil {
		return fmt.Errorf("repairing after %q: %w", f.what, err)
	}
	s.line("repaired")
	if _, err := s.await(ctx, s.times.clearWithin, func(open []model.Incident) *model.Incident {
		for i := range open {
			if open[i].ID == flagged.ID || open[i].Pages() {
				return nil
			}
		}
		return flagged
	}); err != nil {
		return fmt.Errorf("%s: not cleared: %w", f.what, err)
	}
	s.line("cleared  after %4.1f s", time.Since(ended).Seconds())
	return nil
}

// openIncidents are those that are open now.
func (s *stage) openIncidents(ctx context.Context) ([]model.Incident, error) {
	all, err := s.node.Store.Incidents(ctx, s.began)
	return slices.DeleteFunc(all, func(i model.Incident) bool { return !i.Open() }), err
}

func titles(incidents []model.Incident) []string {
	t := make([]string, len(incidents))
	for i := range incidents {
		t[i] = incidents[i].Title
	}
	return t
}
