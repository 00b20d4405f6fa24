package detector

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// page opens the envelopes that a page has room for, in their order. The others must wait.
func (in *intake) page(ctx context.Context, envelopes []report.Envelope) (*FeedPage, []*opened, error) {
	page := &FeedPage{Feed: in.name, Cursor: in.cursor}
	var batches []*opened
	waits := in.waits(envelopes)
	shared, err := in.openShared(ctx, envelopes, waits)
	if err != nil {
		return nil, nil, err
	}
	for i, r := range in.openAll(envelopes, waits, shared) {
		e := &envelopes[i]
		if e.Seq <= page.Cursor {
			return nil, nil, fmt.Errorf("position %d follows %d", e.Seq, page.Cursor)
		}
		page.Cursor = e.Seq
		if o := in.take(page, e, r); o != nil {
			batches = append(batches, o)
			page.Batches = append(page.Batches, o.Batch)
		}
	}
	return page, batches, nil
}

// take returns an opened batch, or adds its envelope to the page's quarantine.
func (in *intake) take(page *FeedPage, e *report.Envelope, o opening) *opened {
	if o.err == nil {
		return o.batch
	}
	page.Quarantined = append(page.Quarantined, quarantined(e, o.reason, o.err))
	if o.reason != ReasonDeferred {
		in.warn(e, o.reason, "a batch cannot be used and was put into quarantine", o.err)
	}
	return nil
}

// opening is what became of an envelope.
type opening struct {
	batch  *opened
	reason string // for which it goes to quarantine
	err    error
}

// openEach is how many envelopes are worth a goroutine: about a millisecond of work.
const openEach = 8

// openAll opens and decodes envelopes on all CPUs. Those that must wait are not opened. shared has
// what an Opener has opened already, or nothing.
func (in *intake) openAll(envelopes []report.Envelope, waits []bool, shared []Opening) []opening {
	all := make([]opening, len(envelopes))
	workers := min(runtime.GOMAXPROCS(0), 1+len(envelopes)/openEach)
	var running sync.WaitGroup
	for worker := range workers {
		running.Go(func() {
			for i := worker; i < len(envelopes); i += workers {
				var opened *Opening
				if shared != nil {
					opened = &shared[i]
				}
				all[i] = in.open(&envelopes[i], waits[i], opened)
			}
		})
	}
	running.Wait()
	return all
}

// open opens and decodes an envelope. shared is its opening, or nil if it is not opened yet.
func (in *intake) open(e *report.Envelope, waits bool, shared *Opening) (o opening) {
	switch {
	case waits:
		return opening{reason: ReasonDeferred, err: errDeferred}
	case foreign(in.feed, e):
		return opening{reason: ReasonCollector, err: errCollector}
	}
	in.correct(e)
	if shared != nil {
		o.batch, o.reason, o.err = in.opener.decode(e, in.d.now(), shared)
	} else {
		o.batch, o.reason, o.err = in.opener.open(e, in.d.now())
	}
	return o
}

var errDeferred = errors.New("much comes from there, so that others go first")

// waits reports for each batch whether it must wait, so that places that send much do not delay the
// others.
func (in *intake) waits(envelopes []report.Envelope) []bool {
	waits := make([]bool, len(envelopes))
	now, room := time.Now(), pageRows
	for n, i := range fairly(envelopes) {
		e := &envelopes[i]
		rows := rowsOf(e.Segment)
		if foreign(in.feed, e) { // it goes to quarantine unopened
			continue
		}
		if n > 0 && rows > room || !in.d.allowances.take(now, placeOf(e), rows) {
			waits[i] = true
			continue
		}
		room -= rows
	}
	return waits
}

func (in *intake) warn(e *report.Envelope, reason, text string, err error) {
	in.d.warner.warn(in.log, placeOf(e), reason, text, "batch", e.Batch.String(), "reason", reason, "error", err)
}
