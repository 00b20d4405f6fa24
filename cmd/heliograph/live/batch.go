package live

import (
	"crypto/rand"
	"encoding/binary"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/simulate"
)

// batch is one report on its way.
type batch struct {
	to      *target
	from    string // the client's address
	birth   time.Time
	header  report.Header
	records []report.Record
	rows    []simulate.Row // of the window, if there are no records yet
	length  uint64         // of the window, in ms
	path    []report.Attempt
	timed   bool // durations are told

	// of the window: requests, the requests that they stand for, and counters
	requests, counters uint64
	estimated          float64

	id      report.BatchID
	segment []byte    // nil: not sealed yet
	offered time.Time // when it was offered first
	tries   int       // that had no receipt
	waits   bool      // it has a place among those that wait
}

// window turns the rows of a window into records.
func (b *batch) window() {
	w := &report.Window{Length: b.length, SampledPPM: report.FullPPM, Counters: make([]report.Counter, 0, len(b.rows))}
	var slow map[group]uint64
	for i := range b.rows {
		r := &b.rows[i]
		b.requests += r.Raw
		b.estimated += r.Estimated
		c := report.Counter{Target: r.Target, Outcome: r.Outcome, Protocol: r.Protocol, Server: r.Server, Status: r.Status, Count: min(r.Raw, report.MaxCount)}
		if c.Outcome == model.Slow { // no outcome on the wire: such a request succeeded, and took long
			if slow == nil {
				slow = map[group]uint64{}
			}
			c.Outcome = report.OK
			slow[group{c.Target, c.Outcome}] += c.Count
		}
		w.Counters = append(w.Counters, c)
		if ratio := float64(r.Raw) / r.Estimated; ratio < 1 {
			w.SampledPPM = uint32(max(ratio*report.FullPPM+0.5, 1))
		}
	}
	slices.SortFunc(w.Counters, report.Counter.Compare)
	w.Counters = merge(w.Counters)
	b.counters = uint64(len(w.Counters))
	first := &b.rows[0]
	b.header = report.Header{Source: first.Source, App: first.App, Version: first.Version, OS: first.OS, Consent: report.Counts}
	binary.BigEndian.PutUint64(b.header.Client[:8], first.Client)
	copy(b.header.Client[8:], b.header.Client[:8])
	b.records = append(b.records, w)
	if b.timed {
		if d := durations(w, slow, first.Client^first.Raw); d != nil {
			b.records = append(b.records, d)
		}
	}
	b.rows = nil
}

// merge adds up neighbours with the same key.
func merge(all []report.Counter) []report.Counter {
	out := all[:0]
	for _, c := range all {
		if n := len(out); n > 0 && out[n-1].Compare(c) == 0 {
			out[n-1].Count = min(out[n-1].Count+c.Count, report.MaxCount)
			continue
		}
		out = append(out, c)
	}
	return out
}

// group is what durations are counted by.
type group struct {
	target  string
	outcome report.Outcome
}

// How long requests take, in buckets of histograms: those that succeed about 0.1 s, within an
// octave either way, and those that are slow about 6 s.
const (
	usualBucket = 54
	slowBucket  = 100
	spread      = 8
)

// durations returns how long the requests of a window took, or nil if none succeeded. seed makes
// clients differ.
func durations(w *report.Window, slow map[group]uint64, seed uint64) *report.Durations {
	d := new(report.Durations)
	for counters := range w.Groups() {
		g := group{counters[0].Target, counters[0].Outcome}
		var h report.Histogram
		if g.outcome == report.OK {
			total := uint64(0)
			for i := range counters {
				total += counters[i].Count
			}
			late := min(slow[g], total)
			shift := uint8(seed % (2 * spread))
			if total > late {
				h = append(h, report.HistogramBucket{Index: usualBucket - spread + shift, Count: total - late})
			}
			if late > 0 {
				h = append(h, report.HistogramBucket{Index: slowBucket - spread + shift, Count: late})
			}
		}
		d.Histograms = append(d.Histograms, h)
	}
	n := len(d.Histograms)
	for n > 0 && len(d.Histograms[n-1]) == 0 {
		n--
	}
	if d.Histograms = d.Histograms[:n]; n == 0 {
		return nil
	}
	return d
}

// seal seals the records in a new segment.
func (b *batch) seal(key *seal.Key) error {
	if b.rows != nil {
		b.window()
	}
	var err error
	if b.id, err = report.NewBatchID(b.birth, rand.Reader); err != nil {
		return err
	}
	s, err := seal.NewSealer(key, b.id)
	if err != nil {
		return err
	}
	segment, buffer := append(make([]byte, 0, segmentSize), s.Prefix()...), make([]byte, 0, recordSize)
	for _, r := range append([]report.Record{&b.header}, b.records...) {
		if buffer, err = report.AppendRecord(buffer[:0], r); err != nil {
			return err
		}
		if segment, err = s.Seal(segment, buffer); err != nil {
			return err
		}
	}
	b.segment, b.records = seal.AppendEnd(segment), nil
	return nil
}

// What most segments and records take, in bytes.
const (
	segmentSize = 1792
	recordSize  = 512
)

// age returns the time from the batch's birth to its upload, in ms.
func (b *batch) age(now time.Time) uint64 {
	return uint64(min(max(now.Sub(b.birth).Milliseconds(), 0), report.MaxAge))
}
