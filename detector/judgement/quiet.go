package judgement

import (
	"slices"
	"time"
)

// Bins in which nobody says anything tell nothing of the requests: the detector did not run, no
// collector could be reached, or the clock was put forward. They are cut out of what is learned, so
// that all is as usual when reports come again.
const (
	quietLeast = time.Minute // of silence until bins are quiet; less is chance where few report
	quietSpans = 32          // that are remembered, the newest
	// quietMost and quietLast are how many quiet bins are judged at the beginning and at the end of
	// a long silence, and none between: whatever is open is over after the first, and the second
	// fill the ring.
	quietMost, quietLast = 2048, ringBins
)

// span is the bins from..to.
type span struct{ from, to int64 }

// quiet is the bins that are quiet, in order. The zero value knows of none.
type quiet struct {
	spans []span
	heard [ringBins]int64 // by slot: the newest bin that a row is of
	last  int64           // the newest bin that a row is of, among those that were judged
}

// hear notes a row of a bin.
func (q *quiet) hear(bin int64) {
	if p := &q.heard[slot(bin)]; bin > *p {
		*p = bin
	}
}

// next is the next bin that a row is of, and most if there is none before.
func (q *quiet) next(bin, most int64) int64 {
	for _, b := range q.heard {
		if b > bin && b < most {
			most = b
		}
	}
	return most
}

// add adds a span that follows all others.
func (q *quiet) add(s span) {
	if n := len(q.spans); n > 0 && q.spans[n-1].to >= s.from-1 {
		q.spans[n-1].to = max(q.spans[n-1].to, s.to)
		return
	}
	if len(q.spans) >= quietSpans {
		q.spans = slices.Delete(q.spans, 0, 1)
	}
	q.spans = append(q.spans, s)
}

// within is how many of the bins after after, up to upTo, are quiet.
func (q *quiet) within(after, upTo int64) (n int64) {
	for _, s := range slices.Backward(q.spans) {
		if s.to <= after {
			break
		}
		n += max(min(s.to, upTo)-max(s.from-1, after), 0)
	}
	return n
}

// is reports whether a bin is quiet.
func (q *quiet) is(bin int64) bool { return q.within(bin-1, bin) > 0 }

// listen decides whether a bin that is to be judged is quiet. When it has been so for long, and
// last is far away, it passes over most of the bins up to there.
func (j *Judge) listen(bin, last int64) {
	q := j.fade.quiet
	// A newer bin has taken the slot of one that rows may have been of, or is that of the first row
	// after a long silence.
	newer := q.heard[slot(bin)] - bin
	if newer >= 0 && newer <= j.bins(j.o.Grace)+ringBins || q.last == 0 {
		q.last = bin
	}
	silence := bin - q.last
	if silence < j.bins(quietLeast) {
		return
	}
	q.add(span{bin, bin})
	if to := q.next(bin, last) - quietLast + 1; silence > quietMost && to > bin {
		q.add(span{bin, to})
		for _, p := range j.order {
			p.settled = max(p.settled, to-1-j.bins(settleTime))
		}
		j.next = to
	}
}
