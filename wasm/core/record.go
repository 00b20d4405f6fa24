//go:build js && wasm

package main

import (
	"syscall/js"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/wasm/internal/jsx"
)

// Limits of one message. The page sends far less.
const (
	maxRows  = 1 << 10
	maxWord  = report.MaxString
	maxTime  = 1 << 52 // Unix ms
	maxField = 4 << 10 // of a URL or a message, which the agent scrubs and cuts
)

// reader reads the elements of an array one after another. An invalid element sets ok to false.
type reader struct {
	list js.Value
	next int
	ok   bool
}

// readerOf returns a reader of v, which should be an array of n elements.
func readerOf(v js.Value, n int) *reader {
	return readerUpTo(v, n, n)
}

// readerUpTo returns a reader of v, which should be an array of least to most elements.
func readerUpTo(v js.Value, least, most int) *reader {
	n, ok := jsx.List(v, most)
	return &reader{list: v, ok: ok && n >= least}
}

func (r *reader) value() js.Value {
	if !r.ok {
		return js.Undefined()
	}
	v := r.list.Index(r.next)
	r.next++
	return v
}

func (r *reader) text(max int) string {
	s, ok := jsx.Text(r.value(), max)
	r.ok = r.ok && ok
	return s
}

// number reads a number and clamps it to a whole number from 0 to max.
func (r *reader) number(max int64) int64 {
	f, ok := jsx.Number(r.value())
	r.ok = r.ok && ok
	if !ok || f < 0 {
		return 0
	}
	return int64(min(f, float64(max)))
}

// bucket reads the bucket of a [report.Histogram] and returns a duration in it, or 0 for what is
// above no bucket, which the page could not measure.
func (r *reader) bucket() time.Duration {
	f, _ := jsx.Number(r.value())
	if f < 1 {
		return 0
	}
	return report.HistogramBound(uint8(min(f, report.HistogramBuckets-1)))
}

// key reads what requests are counted by.
func (r *reader) key() agent.Observation {
	return agent.Observation{
		Scheme: r.text(maxWord), Host: r.text(maxWord), Outcome: report.Outcome(r.text(report.MaxOutcome)), Protocol: r.text(maxWord),
		Status: uint16(r.number(report.MaxStatus)), Flags: report.Flags(r.number(0xff)),
	}
}

// rows calls f for each element of the list in m. It returns false if f has refused an element,
// which is then left out.
func (c *core) rows(m js.Value, f func(row js.Value) bool) bool {
	list := jsx.Field(m, "list")
	n, ok := jsx.List(list, maxRows)
	if !ok {
		return false
	}
	for i := range n {
		ok = f(list.Index(i)) && ok
	}
	return ok
}

// observe records requests one by one.
func (c *core) observe(m js.Value) bool {
	return c.rows(m, func(row js.Value) bool {
		const least = 10 + serverParts
		r := readerUpTo(row, least, least+1)
		o := r.key()
		o.Start = time.UnixMilli(r.number(maxTime))
		o.Elapsed = time.Duration(r.number(report.MaxAge)) * time.Millisecond
		o.Method, o.URL = r.text(maxWord), r.text(maxField)
		r.server(&o)
		// the last element, which older scripts leave out
		traceparent, _ := jsx.Text(r.value(), maxWord)
		o.TraceID = agent.TraceIDOf(traceparent)
		if r.ok {
			c.agent.Observe(o)
			if o.Outcome != report.OK {
				c.failed()
			}
		}
		return r.ok
	})
}

// recent is the greatest age of successes that are counted in the agent's own window.
const recent = 5 * time.Second

// counts records requests that the page has counted. Those that the page counted without sampling a
// moment ago become part of the agent's own window. The others form a window of their own.
func (c *core) counts(m js.Value) bool {
	start, ok1 := jsx.Integer(jsx.Field(m, "start"), 0, maxTime)
	end, ok2 := jsx.Integer(jsx.Field(m, "end"), 0, maxTime)
	ppm, ok3 := jsx.Integer(jsx.Field(m, "ppm"), 0, report.FullPPM)
	if !ok1 || !ok2 || !ok3 {
		return false
	}
	t := agent.Tally{Start: time.UnixMilli(start), End: time.UnixMilli(end), SampledPPM: uint32(ppm)}
	failed := false
	ok := c.rows(m, func(row js.Value) bool {
		r := readerOf(row, 8+serverParts)
		o := r.key()
		o.Start, o.Elapsed = t.Start, r.bucket()
		o.Count = uint64(r.number(report.MaxCount))
		r.server(&o)
		if r.ok && o.Count > 0 {
			t.Observations = append(t.Observations, o)
			failed = failed || o.Outcome != report.OK
		}
		return r.ok
	})
	if ppm == 0 && !failed && time.Since(t.End) < recent {
		for _, o := range t.Observations {
			c.agent.Observe(o)
		}
		return ok
	}
	c.agent.AddWindow(t)
	if failed {
		c.failed()
	}
	return ok
}

// applicationError records an error of the page's script.
func (c *core) applicationError(m js.Value) bool {
	kind, ok1 := jsx.Integer(jsx.Field(m, "kind"), 1, 255)
	at, ok2 := jsx.Integer(jsx.Field(m, "at"), 0, maxTime)
	frames := jsx.Field(m, "frames")
	n, ok3 := jsx.List(frames, maxRows)
	if !ok1 || !ok2 || !ok3 {
		return false
	}
	e := agent.ApplicationError{Kind: report.ErrorKind(kind), At: time.UnixMilli(at)}
	e.Type, _ = jsx.Text(jsx.Field(m, "type"), maxWord)
	e.Message, _ = jsx.Text(jsx.Field(m, "message"), maxField)
	for i := range min(n, report.MaxFrames) {
		r := readerOf(frames.Index(i), 3)
		f := report.Frame{Function: r.text(maxWord), File: r.text(maxWord), Line: uint32(r.number(report.MaxLine))}
		if r.ok {
			e.Frames = append(e.Frames, f)
		}
	}
	c.agent.Capture(e)
	c.failed()
	return true
}
