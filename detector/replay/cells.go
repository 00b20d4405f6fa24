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
	Bins      uint64 `json:"bins"`       // bins that were judged
	Cells     uint64 `json:"cells"`      // rows that were taken
	Dropped   uint64 `json:"dropped"`    // rows or values that were left out for want of room
	Late      uint64 `json:"late"`       // rows that came five minutes or more after the fact
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

// Cells judges rows, ticks and probes, a JSON object a line, and writes the events to out, each as
// soon as it is decided, and a [Summary] to summary at the end. Bad input is an [InputError];
// events that were decided before it are written.
func Cells(in Input, o judgement.Options, out, summary io.Writer) error {
	judge, err := judgement.New(o)
	if err != nil {
		return err
	}
	p := &player{judge: judge, out: bufio.NewWriter(out)}
	if err := p.play(in); err != nil {
		return err
	}
	return json.NewEncoder(summary).Encode(p.summary())
}

// player passes lines on to a judge. Time moves when a line comes that is later than all before;
// lines that are out of order count as if they had come at the time that was reached.
type player struct {
	judge  *judgement.Judge
	out    *bufio.Writer
	now    int64 // the time reached
	judged int64 // until when everything was judged; now, or less while lines of now may follow
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

// take passes one line on.
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
		p.judge.Add(l.row)
	}
	return nil
}

// reach moves the time. What is later than now shows that everything of now has come.
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

// advance judges what can be judged by now, and writes the events.
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

// write writes one event and flushes it, since somebody may wait for it.
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
