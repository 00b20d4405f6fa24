// Package demo stages outages on this machine's loopback interface: a service with its name server,
// clients in five networks, two collectors, and everything between them. A report's whole way uses
// real sockets and processes. Start with [Run].
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

// Options configures [Run].
type Options struct {
	// Realtime stages everything in the defaults of agents and detectors, as in reality, and prints
	// how long each alert took. It takes a quarter of an hour.
	Realtime bool
	Once     bool   // play the script once and check everything; otherwise repeat it until ctx ends
	Listen   string // address of the dashboard; empty for 127.0.0.1:8418
	// address of the page on which a visitor can break things; empty for none, as with Once, which
	// expects no other reports
	Page       string
	Executable string    // path of heliograph, for the collectors' processes
	Out        io.Writer // the timeline
	Log        *slog.Logger
}

// Durations of calm between faults, and between cycles.
const (
	calm      = 3 * time.Second
	nextCycle = 20 * time.Second
)

// Run stages the outages. With Once, it returns nil only if every fault opened an incident in time,
// with the right outcome and the right network or server, and the incident cleared in time, if
// nobody was alerted of anything else, and if every delivered report is in the store exactly once.
func Run(ctx context.Context, o Options) (err error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:8418"
	}
	s := &stage{o: o, times: short, began: time.Now(), places: places(), expected: map[int64]bool{}}
	if o.Realtime {
		s.times = real
	}
	defer func() {
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		err = errors.Join(err, s.clear(wait))
	}()
	if err := s.set(ctx); err != nil {
		return fmt.Errorf("setting the stage: %w", err)
	}
	fmt.Fprintf(o.Out, "Heliograph demo: %d clients in %d networks, %d servers, %d collectors and a name server, all on this machine's loopback.\n",
		len(s.crowd.clients), len(networks), len(s.places), len(s.collectors))
	fmt.Fprintf(o.Out, "Open http://%s/ and watch.\n", s.node.DashboardAddr)
	if s.page != nil {
		fmt.Fprintf(o.Out, "Try it in your browser: http://%s/\n", s.page.Addr())
	}
	fmt.Fprintln(o.Out)
	s.line("calm     one request in a hundred fails, as on any day")
	if !s.pass(ctx, s.times.firstCalm) {
		return nil
	}
	for {
		err := s.cycle(ctx)
		switch {
		case ctx.Err() != nil:
			fmt.Fprintln(o.Out)
			return nil
		case o.Once && err == nil:
			s.delays()
			return s.verify(ctx)
		case err != nil && o.Once:
			return err
		case err != nil:
			s.line("NOTE     %v", err)
		}
		s.delays()
		s.line("calm     the script starts again in %v; interrupt to end", nextCycle)
		if !sleep(ctx, nextCycle) {
			return nil
		}
	}
}

// cycle plays every fault. With Once, it stops at the first that is not judged correctly.
func (s *stage) cycle(ctx context.Context) error {
	var errs []error
	for _, f := range s.faults() {
		if err := s.play(ctx, f); err != nil {
			errs = append(errs, err)
			if s.o.Once || ctx.Err() != nil {
				break
			}
		}
		if !s.pass(ctx, calm) {
			break
		}
	}
	return errors.Join(errs...)
}

// delays prints how long the alerts took.
func (s *stage) delays() {
	if len(s.took) == 0 {
		return
	}
	var each []string
	for _, took := range s.took {
		each = append(each, fmt.Sprintf("%.1f", took.Seconds()))
	}
	s.line("alerted  %d faults after %s s; the mean %.1f s", len(s.took), strings.Join(each, ", "), mean(s.took).Seconds())
}

func mean(all []time.Duration) (m time.Duration) {
	for _, d := range all {
		m += d / time.Duration(len(all))
	}
	return m
}

// line prints one line of the timeline.
func (s *stage) line(format string, args ...any) {
	at := time.Since(s.began).Round(time.Second)
	fmt.Fprintf(s.o.Out, "%2d:%02d  %s\n", int(at.Minutes()), int(at.Seconds())%60, fmt.Sprintf(format, args...))
}
