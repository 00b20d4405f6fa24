package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/detector/localise/rs"
	"github.com/heliograph-net/heliograph/detector/replay"
	"github.com/heliograph-net/heliograph/detector/score"
)

type replayCmd struct {
	File   string        `arg:"" help:"What to judge; - is standard input."`
	Format string        `help:"cells (rows of reports, JSON), series (counts of one series per bin, CSV) or rs (counts per minute and combination, CSV)." enum:"cells,series,rs" required:"" placeholder:"FORMAT"`
	Bin    time.Duration `help:"Width of a bin. Default: 10s for cells, 5m for series." placeholder:"10s"`
	Grace  time.Duration `help:"Cells: the least time that a bin waits for late reports." default:"10s" placeholder:"10s"`
	Scores bool          `help:"Series: print an anomaly score for every row."`
	At     []int64       `help:"Rs: a minute to explain, in Unix seconds; may be given several times." placeholder:"SECONDS"`
	Top    int           `help:"Rs: at most so many explanations of each." default:"5" placeholder:"N"`
}

// Run judges a file. The exit code is 2 if the input is bad.
func (r *replayCmd) Run(out *output) error {
	in, done, err := r.open()
	if err != nil {
		return &exitError{exitUsage, err.Error()}
	}
	defer done()
	err = r.watched(&in, out.stderr, func() error { return r.replay(in, out.stdout, out.stderr) })
	if bad, ok := errors.AsType[*replay.InputError](err); ok {
		return &exitError{exitUsage, bad.Error()}
	}
	return err
}

func (r *replayCmd) open() (in replay.Input, done func(), err error) {
	if r.File == "-" {
		return replay.Input{Reader: os.Stdin, Name: "-"}, func() {}, nil
	}
	f, err := os.Open(r.File)
	if err != nil {
		return in, nil, fmt.Errorf("reading what to judge: %w", err)
	}
	return replay.Input{Reader: f, Name: r.File}, func() { f.Close() }, nil
}

// watched replays, and says on a terminal how much of the input was read. On anything else standard
// error has the summary alone, which programs read.
func (r *replayCmd) watched(in *replay.Input, stderr io.Writer, work func() error) error {
	if !isTerminal(stderr) {
		return work()
	}
	size, counted := sizeOf(in.Reader), &countingReader{Reader: in.Reader}
	in.Reader = counted
	return whileWorking(stderr, func() string {
		text := in.Name + ": " + megabytes(counted.read.Load())
		if size > 0 {
			text += " of " + megabytes(size)
		}
		return text + " read"
	}, work)
}

func (r *replayCmd) replay(in replay.Input, stdout, stderr io.Writer) error {
	switch r.Format {
	case "series":
		if !r.Scores {
			return &exitError{2, "--format series needs --scores: there is nothing else to print"}
		}
		if r.Bin == 0 {
			r.Bin = 5 * time.Minute
		}
		if _, err := score.New(r.Bin); err != nil {
			return &exitError{exitUsage, "--bin: " + err.Error()}
		}
		return replay.Series(in, r.Bin, stdout)
	case "rs":
		if r.Top < 1 {
			return &exitError{exitUsage, fmt.Sprintf("--top: want 1 or more explanations, not %d", r.Top)}
		}
		if err := rs.Run(stdout, in, rs.Options{File: in.Name, At: r.At, Top: r.Top}); err != nil {
			return &exitError{2, err.Error()}
		}
		return nil
	default:
		o := judgement.Options{Bin: r.Bin, Grace: r.Grace, Seed: 1}
		if o.Grace == 0 {
			o.Grace = time.Nanosecond // none: 0 would be the default
		}
		if _, err := judgement.New(o); err != nil {
			return &exitError{2, "--bin, --grace: " + err.Error()}
		}
		return replay.Cells(in, o, stdout, stderr)
	}
}
