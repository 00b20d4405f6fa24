package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/heliograph-net/heliograph/tests/bench/client"
	"github.com/heliograph-net/heliograph/tests/bench/measure"
)

// rounds are a benchmark's results, one per round.
type rounds struct {
	name           string
	ns, cpu        []float64
	least          []float64 // of those with measure.LeastMetric
	allocs, bytes_ int64
}

// interleave runs every case once per round, so that what disturbs the machine disturbs
// all of them.
func (s *session) interleave(ctx context.Context, cases []client.Case) ([]rounds, error) {
	all := make([]rounds, len(cases))
	for range s.rounds {
		for i, c := range cases {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			r := testing.Benchmark(c.Run)
			if r.N == 0 {
				return nil, fmt.Errorf("%s failed", c.Name)
			}
			all[i].name = c.Name
			all[i].ns = append(all[i].ns, float64(r.T.Nanoseconds())/float64(r.N))
			all[i].cpu = append(all[i].cpu, r.Extra[measure.CPUMetric])
			if least, ok := r.Extra[measure.LeastMetric]; ok {
				all[i].least = append(all[i].least, least)
			}
			all[i].allocs, all[i].bytes_ = r.AllocsPerOp(), r.AllocedBytesPerOp()
		}
	}
	return all, nil
}

func named(all []rounds, name string) rounds {
	for _, r := range all {
		if r.name == name {
			return r
		}
	}
	return rounds{}
}

// compare runs cases and prints how each compares to ours, by CPU time.
func (s *session) compare(ctx context.Context, heading, ours string, cases []client.Case) ([]rounds, error) {
	all, err := s.interleave(ctx, cases)
	if err != nil {
		return nil, err
	}
	reference := named(all, ours)
	var rows [][]string
	for _, r := range all {
		rows = append(rows, []string{
			r.name, fmt.Sprintf("%.0f", median(r.ns)), fmt.Sprintf("%.0f", median(r.cpu)),
			fmt.Sprint(r.allocs), fmt.Sprint(r.bytes_), times(medianRatio(r.cpu, reference.cpu)),
		})
	}
	table(s.out, heading, []string{"", "ns/op", "CPU ns/op", "allocs/op", "B/op", "CPU of " + ours}, rows)
	return all, nil
}

func (s *session) success(ctx context.Context) error {
	all, err := s.compare(ctx, "A request that succeeds, over a RoundTripper in memory", "heliograph", client.SuccessPath())
	if err != nil {
		return err
	}
	plain, minimal, ours := named(all, "plain"), named(all, "minimal"), named(all, "heliograph")
	var rows [][]string
	ratio := func(what string, over, under rounds) float64 {
		whole := medianRatio(over.cpu, under.cpu)
		rows = append(rows, []string{what, times(whole), added(over, under, plain)})
		return whole
	}
	toMinimal := ratio("ours / minimal", ours, minimal)
	peer := named(all, "otelhttp-noprovider")
	fromPeer := ratio("otelhttp without provider / ours", peer, ours)
	ratio("otelhttp with SDK / ours", named(all, "otelhttp-sdk"), ours)
	ratio("sentry / ours", named(all, "sentry"), ours)
	table(s.out, "Ratios of that, in CPU time", []string{"", "whole request", "what watching adds"}, rows)

	s.target("allocations that watching a success adds", "0", fmt.Sprint(ours.allocs-plain.allocs), ours.allocs <= plain.allocs)
	s.target("a watched success / one with a minimal wrapper", "≤ 1.5×", times(toMinimal), toMinimal <= 1.5)
	s.target("a success under otelhttp without provider / under ours", "≥ 10×", times(fromPeer)+", of what is added "+added(peer, ours, plain), fromPeer >= 10)
	return nil
}

// added compares what over and under add to base. Medians are subtracted, because within one round
// a small difference drowns.
func added(over, under, base rounds) string {
	b := median(base.cpu)
	if median(under.cpu) <= b {
		return "–"
	}
	return times((median(over.cpu) - b) / (median(under.cpu) - b))
}

func (s *session) loopback(ctx context.Context) error {
	_, err := s.compare(ctx, "The same through net/http's Transport to a server on loopback, both sides' CPU time", "plain", client.Loopback())
	return err
}

func (s *session) observe(ctx context.Context) error {
	_, err := s.compare(ctx, "Agent.Observe of a success, without net/http", "heliograph", client.Observe())
	return err
}

func (s *session) capture(ctx context.Context) error {
	all, err := s.compare(ctx, "Capturing a failure", "heliograph", client.CaptureFailure())
	if err != nil {
		return err
	}
	exception, message := named(all, "sentry-CaptureException"), named(all, "sentry-CaptureMessage")
	var rows [][]string
	for _, name := range []string{"heliograph", "heliograph-sampled", "heliograph-roundtrip"} {
		ours := named(all, name)
		ratio := medianRatio(exception.cpu, ours.cpu)
		rows = append(rows, []string{name, times(ratio), times(medianRatio(message.cpu, ours.cpu))})
		s.target("CaptureException / "+name, "≥ 5×", times(ratio), ratio >= 5)
	}
	table(s.out, "Ratios of that, in CPU time", []string{"", "CaptureException / ours", "CaptureMessage / ours"}, rows)
	return nil
}

func (s *session) wire(ctx context.Context) error {
	var rows [][]string
	for _, windows := range []int{1, 10, 100, 1000} {
		w, err := client.BytesOnWire(windows)
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		rows = append(rows, []string{
			thousands(windows), fmt.Sprintf("%.1f", w.Segments), thousands(w.Sealed), thousands(w.Up), thousands(w.Down), times(client.NELWire / w.Sealed),
		})
		s.target("bytes for 1,000 requests in "+plural(windows, "window"), "NEL's "+thousands(client.NELWire), thousands(w.Sealed),
			w.Sealed <= client.NELWire)
	}
	table(s.out, fmt.Sprintf("Bytes for 1,000 requests of which 10 fail (NEL: %s)", thousands(client.NELWire)),
		[]string{"windows they were spread over", "segments", "sealed bytes", "HTTP up", "HTTP down", "NEL / sealed"}, rows)
	return nil
}

func (s *session) size(ctx context.Context) error {
	all, err := client.BinaryGrowth(ctx)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, g := range all {
		rows = append(rows, []string{g.Name, thousands(g.Bytes), thousands(g.Bytes - all[0].Bytes)})
	}
	table(s.out, "A stripped binary", []string{"", "bytes", "over nethttp"}, rows)
	const most = 1_500_000
	growth := all[1].Bytes - all[0].Bytes
	s.target("bytes that a binary with net/http grows by", "≤ "+thousands(most), thousands(growth), growth <= most)
	return nil
}
