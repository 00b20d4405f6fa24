package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/heliograph-net/heliograph/detector/replay"
	"github.com/heliograph-net/heliograph/simulate"
)

type simulateCmd struct {
	Seed     uint64   `help:"The same seed and scenario give the same reports." default:"1" placeholder:"N"`
	Scenario string   `help:"What happens, in YAML; simulate/scenarios has examples." required:"" placeholder:"FILE"`
	Out      string   `help:"Write the reports there, as replay reads them; - is standard output." placeholder:"FILE"`
	To       []string `help:"Send the reports to this collector of the policy: its id or URL. The first one stands for the scenario's c1, the second for c2." placeholder:"COLLECTOR"`
	Truth    string   `help:"Write there what really happened, a line for each fault; with --to in real time." placeholder:"FILE"`
	Networks string   `help:"Write there the table of the clients' networks, for networks in the configuration of the collectors." placeholder:"FILE"`

	Policy      string   `help:"With --to: signed policy, with the key to seal to and the collectors." placeholder:"FILE"`
	CA          string   `name:"ca" help:"With --to: PEM file of an authority that the collectors' certificates may come from, besides the system's." placeholder:"FILE"`
	Speed       float64  `help:"With --to: how many seconds of the scenario pass in one; 0 for as many as the collectors take. Above 1, reports are of the past: the scenario ends when the last is sent." default:"1" placeholder:"1"`
	Connections int      `help:"With --to: how many connections to use at a time." default:"64" placeholder:"64"`
	Allow       []string `help:"With --to: send to this host, too. Without it only a collector on this machine is taken, because invented reports count like those of users." placeholder:"HOST"`
	JSON        bool     `name:"json" help:"With --to: print what became of the reports as JSON."`
}

// Run generates reports.
func (s *simulateCmd) Run(ctx context.Context, out *output) error {
	if err := s.check(); err != nil {
		return &exitError{exitUsage, err.Error()}
	}
	scenario, err := simulate.Load(s.Scenario)
	if err != nil {
		return &exitError{exitUsage, err.Error()}
	}
	if s.Networks != "" {
		if err := s.writeTo("--networks", s.Networks, func(w io.Writer) error { return simulate.WriteNetworks(w, scenario, s.Seed) }); err != nil {
			return err
		}
	}
	if len(s.To) > 0 {
		return s.deliver(ctx, scenario, out)
	}
	if s.Truth != "" {
		if err := s.writeTruth(scenario, 0); err != nil {
			return err
		}
	}
	if s.Out == "" {
		return nil
	}
	return s.write(scenario, out)
}

// check finds flags that do not go together.
func (s *simulateCmd) check() error {
	switch {
	case s.Out == "" && len(s.To) == 0 && s.Networks == "":
		return errors.New("say where the reports go: --out FILE or --to COLLECTOR")
	case s.Out != "" && len(s.To) > 0:
		return errors.New("--out and --to: give one of them; the same seed gives the same reports again")
	case len(s.To) > 0 && s.Policy == "":
		return errors.New("--to needs --policy: it has the key to seal to and the collectors")
	case len(s.To) == 0 && (s.Policy != "" || s.CA != "" || len(s.Allow) > 0 || s.JSON):
		return errors.New("--policy, --ca, --allow and --json are for --to, which says where to send the reports")
	}
	return nil
}

// write writes the reports as replay reads them.
func (s *simulateCmd) write(scenario *simulate.Scenario, out *output) error {
	to, done := out.stdout, func() error { return nil }
	if s.Out != "-" {
		f, err := os.Create(s.Out)
		if err != nil {
			return fmt.Errorf("--out: %w", err)
		}
		to, done = f, f.Close
	}
	w := &lineWriter{Writer: bufio.NewWriterSize(to, 1<<16)}
	err := whileWorking(out.stderr, s.written, func() error {
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

// writeTruth writes the faults, so much later than the scenario says.
func (s *simulateCmd) writeTruth(scenario *simulate.Scenario, later time.Duration) error {
	return s.writeTo("--truth", s.Truth, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		for _, t := range simulate.Truths(scenario, s.Seed) {
			t.Start += later.Milliseconds()
			t.End += later.Milliseconds()
			if err := enc.Encode(t); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeTo writes a file that a flag names.
func (s *simulateCmd) writeTo(flag, path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	return nil
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
