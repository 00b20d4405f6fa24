package rs

import (
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/heliograph-net/heliograph/detector/localise"
)

// MaxAt is the most minutes that one call of [Run] explains.
const MaxAt = 64

// Options says what to explain.
type Options struct {
	File string  // name of the input in errors
	At   []int64 // Unix seconds; each stands for the minute that it lies in; at least 1
	Top  int     // most explanations for each; 0 means 5
}

// line is one line of the output.
type line struct {
	At    int64             `json:"at"`
	Rank  int               `json:"rank"`
	Scope map[string]string `json:"scope"`
	Score float64           `json:"score"`
	Share float64           `json:"share"`
}

// Run reads the table from r and writes to w, as JSON lines, the explanations for each of o.At, in
// that order, the best first. What was usual is learned from the hour before. A minute without
// rows, or without more failures than usual, has no lines.
//
// Memory is bounded: values and combinations beyond a limit count as unknown. An error about the
// input starts with the file's name and the line.
func Run(w io.Writer, r io.Reader, o Options) error {
	if len(o.At) == 0 || len(o.At) > MaxAt {
		return fmt.Errorf("give the minutes to explain: 1 to %d times, in Unix seconds", MaxAt)
	}
	t, err := read(r, o)
	if err != nil {
		return err
	}
	out := json.NewEncoder(w)
	for i, at := range o.At {
		for rank, e := range localise.Explain(t.table(i), localise.Options{Singles: true, Most: o.Top}) {
			l := line{At: at, Rank: rank + 1, Scope: t.scope(&e), Score: round(e.Score), Share: round(e.Share)}
			if err := out.Encode(l); err != nil {
				return fmt.Errorf("write the explanations: %w", err)
			}
		}
	}
	return nil
}

// round leaves what the output is precise to.
func round(x float64) float64 { return math.Round(x*1000) / 1000 }
