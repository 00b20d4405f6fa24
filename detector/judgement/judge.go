package judgement

import (
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Judge finds incidents. It is not safe for concurrent use.
type Judge struct {
	o     Options
	width int64 // of a bin in ms
	fade  fading
	stats Stats

	now  int64 // Unix ms
	next int64 // the bin that is judged next; 0 before the first row

	names   *names
	order   []*population // by index
	pops    map[populationKey]*population
	timings map[populationKey]*timing // of populations of timed requests, also of those to come
	// all requests but deliveries; nil while there is one population only
	root      *population
	exposures int
	series    int
	dropped   uint64

	recent    recent
	late      lateHits
	failures  lateness // of rows of failures
	successes lateness
	browsers  lateness // of successes that browsers report, sooner than agents
	voices    voices
	sample    *sample
	sources   sources
	clients   clients
	claims    claims
	paces     paces
	probes    map[vantageServer]probed
	dirty     []dirtySeries
	looks     looks

	incidents []*incident
	open      int // of the incidents, those that are open
	lastID    ID
	epoch     uint32 // raised whenever incidents may have changed
}

// Stats counts what a [Judge] did.
type Stats struct {
	Bins    uint64 // bins that were judged
	Cells   uint64 // rows that were taken
	Dropped uint64 // rows or values that were left out for want of room
	Late    uint64 // rows that came five minutes or more after the fact
}

// New checks the options.
func New(o Options) (*Judge, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	j := &Judge{o: o, width: o.Bin.Milliseconds(), names: newNames(), sample: newSample(o.Seed), sources: newSources(), probes: map[vantageServer]probed{}, pops: map[populationKey]*population{}, timings: map[populationKey]*timing{}, paces: paces{byNetwork: map[uint32]pace{}}}
	j.fade = newFading(o.Bin.Hours(), &quiet{})
	j.names.add(kindOutcome, string(report.Unknown))
	return j, nil
}

// Advance sets the time, in Unix milliseconds, and judges every bin that can be judged by then.
// What arrived at now must have been added before. Time that goes back is ignored.
func (j *Judge) Advance(now int64) []Event {
	if now <= j.now {
		return nil
	}
	j.now = now
	if j.next == 0 {
		return nil
	}
	var events []Event
	grace := j.o.Grace.Milliseconds()
	last := (now-grace)/j.width - 1 // bin that can be judged
	for j.next <= last {
		j.listen(j.next, last)
		events = append(events, j.step(j.next)...)
		j.next++
	}
	return events
}

// Stats says what was done so far.
func (j *Judge) Stats() Stats {
	s := j.stats
	s.Dropped = j.dropped + j.names.dropped
	return s
}

// bins is a time in bins, at least one.
func (j *Judge) bins(d time.Duration) int64 { return max(1, d.Milliseconds()/j.width) }

// hourOf is the hour of a bin's start since 1970.
func (j *Judge) hourOf(bin int64) int64 { return bin * j.width / time.Hour.Milliseconds() }

func (j *Judge) room() bool {
	if j.series < j.o.MaxSeries {
		return true
	}
	j.dropped++
	return false
}
