package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/detector/replay"
)

type replayCmd struct {
	File   string        `arg:"" help:"What to judge; - is standard input."`
	Format string        `help:"cells: rows of reports, a JSON object a line." enum:"cells" required:"" placeholder:"FORMAT"`
	Bin    time.Duration `help:"Width of a bin." default:"10s" placeholder:"10s"`
	Grace  time.Duration `help:"Cells: the least time that a bin waits for late reports." default:"10s" placeholder:"10s"`
}

// Run judges a file. Bad input ends the process with exit code 2.
func (r *replayCmd) Run(out *output) error {
	in, done, err := r.open()
	if err != nil {
		return &exitError{exitUsage, err.Error()}
	}
	defer done()
	err = r.replay(in, out.stdout, out.stderr)
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

func (r *replayCmd) replay(in replay.Input, stdout, stderr io.Writer) error {
	return replay.Cells(in, judgement.Options{Bin: r.Bin, Grace: r.Grace, Seed: 1}, stdout, stderr)
}
