package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/heliograph-net/heliograph/tests/bench/ingest"
)

// subject is a server under a load, with its results, one per round.
type subject struct {
	ingest.Subject
	results []ingest.Result
}

func (s *subject) median(f func(ingest.Result) float64) float64 { return median(s.all(f)) }

func (s *subject) all(f func(ingest.Result) float64) (values []float64) {
	for _, r := range s.results {
		values = append(values, f(r))
	}
	return values
}

func perSecond(r ingest.Result) float64 { return r.PerSecond }

// warm is enough for connections and caches.
const warm = 500 * time.Millisecond

func (s *session) ingest(ctx context.Context) error {
	dir, remove, err := s.workDir()
	if err != nil {
		return err
	}
	defer remove()
	servers := []string{ingest.Floor, ingest.Heliograph}
	if s.otelcol {
		if ingest.OTelColBinary, err = buildOTelCol(ctx, dir); err != nil {
			return err
		}
		servers = append(servers, ingest.OTelCol)
	}
	for _, counters := range []int{1, 100} {
		subjects, err := s.loadAll(ctx, dir, servers, ingest.Subject{Counters: counters}, s.rounds, s.loadTime)
		if err != nil {
			return err
		}
		s.compareServers(counters, subjects)
	}
	for _, t := range []ingest.Transport{ingest.Fresh, ingest.Resumed} {
		subjects, err := s.loadAll(ctx, dir, servers[:2], ingest.Subject{Counters: 1, Transport: t}, s.rounds, s.loadTime)
		if err != nil {
			return err
		}
		if ratio := medianRatio(subjects[1].all(perSecond), subjects[0].all(perSecond)); t == ingest.Fresh {
			s.target("uploads with 1 counter over fresh TLS connections: ours / floor", "≥ 0.8×", times(ratio), ratio >= 0.8)
		}
	}
	return nil
}

// soak is one long load on our collector with a detector behind it: in five minutes, the most
// memory of the last four is to be about that of the first.
func (s *session) soak(ctx context.Context) error {
	dir, remove, err := s.workDir()
	if err != nil {
		return err
	}
	defer remove()
	subjects, err := s.loadAll(ctx, dir, []string{ingest.Drained}, ingest.Subject{Counters: 1}, 1, s.soakTime)
	if err != nil {
		return err
	}
	r := subjects[0].results[0]
	growth := float64(r.Memory) / float64(r.EarlyMemory)
	s.target("soak: most resident memory after the first fifth / in it", "≤ 1.15×", times(growth), growth <= 1.15)
	return nil
}

// loadAll runs every server once per round and prints a table.
func (s *session) loadAll(ctx context.Context, dir string, servers []string, kind ingest.Subject, rounds int, d time.Duration) ([]*subject, error) {
	subjects := make([]*subject, len(servers))
	for i, server := range servers {
		subjects[i] = &subject{Subject: kind}
		subjects[i].Server = server
		if s.profile != "" {
			subjects[i].Profile = filepath.Join(s.profile, fmt.Sprintf("%s-%d%s.pprof", server, kind.Counters, kind.Transport))
		}
	}
	for range rounds {
		for _, subject := range subjects {
			r, err := ingest.Run(ctx, dir, subject.Subject, ingest.Load{Connections: s.connections, Warm: warm, Duration: d})
			if err := errors.Join(err, ctx.Err()); err != nil {
				return nil, err
			}
			subject.results = append(subject.results, r)
		}
	}
	var rows [][]string
	for _, subject := range subjects {
		rows = append(rows, append(subject.row(), ratiosTo(subject, subjects)))
	}
	table(s.out, fmt.Sprintf("Uploads with %s over %d %s for %v", plural(kind.Counters, "counter"), s.connections, connectionsOf(kind.Transport), d), []string{
		"", "uploads/s", "counters/s", "p50 ms", "p99 ms", "server CPU µs", "load CPU µs", "MiB, first ⅕", "MiB, then", "disk B/counter", "body B", "ratio of uploads/s",
	}, rows)
	return subjects, nil
}

// connectionsOf says what connections uploads have.
func connectionsOf(t ingest.Transport) string {
	switch t {
	case ingest.Fresh:
		return "clients, each upload on a TLS connection of its own,"
	case ingest.Resumed:
		return "clients, each upload on a TLS connection that resumes a session,"
	default:
		return "connections"
	}
}

// row is a subject's line: medians, per upload.
func (s *subject) row() []string {
	number := func(format string, f func(ingest.Result) float64) string { return fmt.Sprintf(format, s.median(f)) }
	return []string{
		s.Server,
		thousands(s.median(perSecond)),
		thousands(s.median(perSecond) * float64(s.Counters)),
		number("%.2f", func(r ingest.Result) float64 { return r.P50.Seconds() * 1000 }),
		number("%.2f", func(r ingest.Result) float64 { return r.P99.Seconds() * 1000 }),
		number("%.0f", func(r ingest.Result) float64 { return float64(r.CPU.Microseconds()) }),
		number("%.0f", func(r ingest.Result) float64 { return float64(r.LoadCPU.Microseconds()) }),
		number("%.0f", func(r ingest.Result) float64 { return float64(r.EarlyMemory) / (1 << 20) }),
		number("%.0f", func(r ingest.Result) float64 { return float64(r.Memory) / (1 << 20) }),
		number("%.0f", func(r ingest.Result) float64 { return r.DiskBytes / float64(s.Counters) }),
		thousands(s.results[0].RequestBytes),
	}
}

// compareServers holds our collector to its targets.
func (s *session) compareServers(counters int, subjects []*subject) {
	with := "uploads with " + plural(counters, "counter") + ": "
	floor, ours := subjects[0], subjects[1]
	if counters == 1 {
		ratio := medianRatio(ours.all(perSecond), floor.all(perSecond))
		s.target(with+"ours / floor", "≥ 0.4×", times(ratio), ratio >= 0.4)
	}
	tail := ours.median(func(r ingest.Result) float64 { return r.P99.Seconds() / r.P50.Seconds() })
	s.target(with+"p99 / p50 of a receipt", "< 10×", times(tail), tail < 10)
	if len(subjects) < 3 {
		return
	}
	want := map[int]float64{1: 5, 100: 4}[counters]
	ratio := medianRatio(ours.all(perSecond), subjects[2].all(perSecond))
	s.target(with+"ours / OpenTelemetry Collector", fmt.Sprintf("≥ %.0f×", want), times(ratio), ratio >= want)
}

// ratiosTo compares a server to those before it in the list, in the same rounds.
func ratiosTo(s *subject, subjects []*subject) (text string) {
	for _, other := range subjects {
		if other == s {
			break
		}
		if text != "" {
			text += ", "
		}
		text += times(medianRatio(s.all(perSecond), other.all(perSecond))) + " " + other.Server
	}
	return text
}

// buildOTelCol builds the peer from its own module.
func buildOTelCol(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "otelcol")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, ".")
	build.Dir, build.Stderr = "otelcol", os.Stderr
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("building the OpenTelemetry Collector: %w", err)
	}
	return binary, nil
}
