package replay

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
)

// Input is a file to replay.
type Input struct {
	io.Reader
	Name string // for errors; "-" for standard input
}

// Summary says what a replay did and cost.
type Summary struct {
	Bins    uint64 `json:"bins"`    // bins that were judged
	Cells   uint64 `json:"cells"`   // rows that were taken
	Dropped uint64 `json:"dropped"` // rows or values for which there was no room in memory
	// rows that arrived five minutes or more after their requests
	Late      uint64 `json:"late"`
	CPU       int64  `json:"cpu_ms"`     // of the process
	PeakBytes int64  `json:"peak_bytes"` // of the process's memory
	Step      Steps  `json:"step_ms"`    // per judged bin
}

// Steps are quantiles of durations in milliseconds.
type Steps struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Cells judges rows, ticks and probes, which are JSON objects, one per line. It writes each event
// to out as soon as it is decided, and a [Summary] to summary at the end. If the input is bad, it
// returns an *[InputError] after writing the events that were decided before.
func Cells(in Input, o judgement.Options, out, summary io.Writer) error {
	judge, err := judgement.New(o)
	if err != nil {
		return err
	}
	p := &player{judge: judge, rows: Rows{Judge: judge}, out: bufio.NewWriter(out)}
	if err := p.play(in); err != nil {
		return err
	}
	return json.NewEncoder(summary).Encode(p.summary())
}

// player passes lines to a judge. A line that is later than all before it advances the time. A line
// that is out of order counts as if it had come at the time reached.
type player struct {
	judge  *judgement.Judge
	rows   Rows
	out    *bufio.Writer
	now    int64 // the time reached, in Unix milliseconds
	judged int64 // everything until then was judged; before now while lines of now may follow
	bins   uint64
	steps  histogram
}

func (p *player) play(in Input) error {
	lines, d := newLines(in), newDecoder()
	for {
		text, err := lines.next()
		if err == io.EOF {
			return p.advance()
		}
		if err != nil {
			return err
		}
		if err := p.take(d, text); err != nil {
			if f, ok := err.(*fault); ok {
				return lines.fault(f.field, f.text)
			}
			return err
		}
	}
}

// take passes one line to the judge.
func (p *player) take(d *decoder, text []byte) error {
	var l line
	if err := d.decode(text, &l); err != nil {
		return err
	}
	switch l.kind {
	case &tickKind:
		p.now = max(p.now, l.tick)
		return p.advance()
	case &probeKind:
		if err := p.reach(l.probe.At); err != nil {
			return err
		}
		p.judge.AddProbe(l.probe)
	default:
		if err := p.reach(l.row.Arrived); err != nil {
			return err
		}
		p.rows.Add(l.row)
	}
	return nil
}

// reach advances the time to t. If t is later than now, all lines of now have come.
func (p *player) reach(t int64) error {
	if t <= p.now {
		return nil
	}
	if err := p.advance(); err != nil {
		return err
	}
	p.now = t
	return nil
}

// advance judges everything that can be judged at the time reached, and writes the events.
func (p *player) advance() error {
	if p.now == p.judged {
		return nil
	}
	p.judged = p.now
	start := time.Now()
	events := p.judge.Advance(p.now)
	if bins := p.judge.Stats().Bins; bins != p.bins {
		p.steps.add(time.Since(start)/time.Duration(bins-p.bins), bins-p.bins)
		p.bins = bins
	}
	for _, e := range events {
		if err := p.write(e); err != nil {
			return err
		}
	}
	return nil
}

// write writes one event and flushes it, because a reader may wait for it.
func (p *player) write(e judgement.Event) error {
	enc := json.NewEncoder(p.out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return fmt.Errorf("writing an event: %w", err)
	}
	if err := p.out.Flush(); err != nil {
		return fmt.Errorf("writing an event: %w", err)
	}
	return nil
}

func (p *player) summary() Summary {
	s := p.judge.Stats()
	cpu, peak := usage()
	return Summary{Bins: s.Bins, Cells: s.Cells, Dropped: s.Dropped, Late: s.Late, CPU: cpu.Milliseconds(), PeakBytes: peak, Step: p.steps.quantiles()}
}
