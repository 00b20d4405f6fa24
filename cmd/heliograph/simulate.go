package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/heliograph-net/heliograph/detector/replay"
	"github.com/heliograph-net/heliograph/simulate"
)

type simulateCmd struct {
	Seed     uint64 `help:"The same seed and scenario give the same reports." default:"1" placeholder:"N"`
	Scenario string `help:"What happens, in YAML; simulate/scenarios has examples." required:"" placeholder:"FILE"`
	Out      string `help:"Write the reports there, as replay reads them; - is standard output." required:"" placeholder:"FILE"`
	Truth    string `help:"Write there what really happened, a line for each fault." placeholder:"FILE"`
}

// Run generates reports.
func (s *simulateCmd) Run(out *output) error {
	scenario, err := simulate.Load(s.Scenario)
	if err != nil {
		return &exitError{exitUsage, err.Error()}
	}
	if s.Truth != "" {
		if err := s.writeTruth(scenario); err != nil {
			return err
		}
	}
	to, done := out.stdout, func() error { return nil }
	if s.Out != "-" {
		f, err := os.Create(s.Out)
		if err != nil {
			return fmt.Errorf("--out: %w", err)
		}
		to, done = f, f.Close
	}
	w := &lineWriter{Writer: bufio.NewWriterSize(to, 1<<16)}
	err = whileWorking(out.stderr, s.written, func() error {
		return simulate.Run(scenario, s.Seed, w)
	})
	return errors.Join(err, w.Flush(), done())
}

// written says how much there is of the reports.
func (s *simulateCmd) written() string {
	if s.Out == "-" {
		return "inventing reports"
	}
	return s.Out + ": " + megabytes(sizeBelow(s.Out)) + " written"
}

func (s *simulateCmd) writeTruth(scenario *simulate.Scenario) error {
	f, err := os.Create(s.Truth)
	if err != nil {
		return fmt.Errorf("--truth: %w", err)
	}
	enc := json.NewEncoder(f)
	for _, t := range simulate.Truths(scenario, s.Seed) {
		err = errors.Join(err, enc.Encode(t))
	}
	return errors.Join(err, f.Close())
}

// lineWriter writes simulated reports as lines of cells. It is a [simulate.Sink].
type lineWriter struct {
	*bufio.Writer
	line []byte
}

// Row writes a row.
func (w *lineWriter) Row(r simulate.Row) error {
	w.line = replay.AppendRow(w.line[:0], &r)
	_, err := w.Write(w.line)
	return err
}

// Probe writes the result of a probe.
func (w *lineWriter) Probe(p simulate.Probe) error {
	w.line = replay.AppendProbe(w.line[:0], &p)
	_, err := w.Write(w.line)
	return err
}

// Tick writes a tick.
func (w *lineWriter) Tick(at int64) error {
	w.line = replay.AppendTick(w.line[:0], at)
	_, err := w.Write(w.line)
	return err
}
