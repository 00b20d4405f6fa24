package detector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Held is a batch in quarantine.
type Held struct {
	Number uint64 // ascending in the order in which batches came, never 0
	Feed   string
	Quarantined
}

// QuarantineCount describes the batches that are in quarantine for one reason.
type QuarantineCount struct {
	Reason  string
	Batches int
	Bytes   int64     // of segments
	Oldest  time.Time // when the oldest of them was received
	// batches ever dropped in favour of others with the same reason, see State.SaveCursor; 0 if
	// Waits is false
	Dropped uint64
}

// quarantined returns an envelope that could not be used as a batch for the quarantine.
func quarantined(e *report.Envelope, reason string, err error) Quarantined {
	return Quarantined{ID: e.Batch, Received: time.UnixMilli(e.Received), Reason: reason, Detail: err.Error(),
		Collector: e.Collector, ASN: e.ASN, Country: e.Country, Bucket: e.Bucket, Delivery: e.Delivery, Segment: e.Segment}
}

// envelope is the inverse of quarantined.
func (h *Held) envelope() *report.Envelope {
	return &report.Envelope{Seq: h.Number, Batch: h.ID, Received: h.Received.UnixMilli(), Collector: h.Collector, ASN: h.ASN,
		Country: h.Country, Bucket: h.Bucket, Delivery: h.Delivery, Segment: h.Segment}
}

// releaseAtOnce is how many batches of the quarantine are in memory at a time: at most 16 MiB.
const releaseAtOnce = 64

// RetryQuarantine tries every batch in quarantine again with the present keys. A batch that can be
// opened is stored as if it had just come, in the bins of its own time, and leaves the quarantine.
// RetryQuarantine returns how many batches have left, and how many stay. It is safe for concurrent
// use, also without Run. Run calls it at its beginning and after each Reload.
func (d *Detector) RetryQuarantine(ctx context.Context) (released, kept int, err error) {
	s := d.settings.Load()
	o := &opener{keys: s.Keys, bin: d.o.Bin, maxAge: d.o.MaxAge, vantages: s.Vantages, timed: d.timed}
	defer d.countQuarantine(ctx)
	for after := uint64(0); ; {
		held, err := d.o.State.Quarantine(ctx, after, releaseAtOnce)
		if err != nil || len(held) == 0 {
			return released, kept, err
		}
		after = held[len(held)-1].Number
		// workOff stores them
		held = slices.DeleteFunc(held, func(h Held) bool { return h.Reason == ReasonDeferred })
		n, err := d.release(ctx, o, held)
		released += n
		kept += len(held) - n
		if err != nil {
			return released, kept, err
		}
	}
}

// release stores the batches that can be opened now, and removes them from the quarantine. Deferred
// batches that cannot be opened stay there for that reason, and so do those that the store refuses
// although it is ready.
func (d *Detector) release(ctx context.Context, o *opener, held []Held) (n int, err error) {
	now := time.Now()
	r := releasing{d: d, now: now, pages: map[string]*FeedPage{}}
	for i := range held {
		h := &held[i]
		if h.Reason == ReasonCollector {
			continue
		}
		b, reason, err := o.open(h.envelope(), now)
		if err == nil {
			r.add(h, b)
		} else if h.Reason == ReasonDeferred {
			if err := d.o.State.Reclassify(ctx, h.Number, reason, err.Error()); err != nil {
				return 0, err
			}
		}
	}
	return r.store(ctx)
}

// releasing is a set of batches of the quarantine that can be opened.
type releasing struct {
	d       *Detector
	now     time.Time
	held    []*Held
	batches []*opened
	pages   map[string]*FeedPage // by feed
}

func (r *releasing) add(h *Held, b *opened) {
	if r.pages[h.Feed] == nil {
		r.pages[h.Feed] = &FeedPage{Feed: h.Feed}
	}
	r.pages[h.Feed].Batches = append(r.pages[h.Feed].Batches, b.Batch)
	r.held, r.batches = append(r.held, h), append(r.batches, b)
}

// store stores them together, or one by one if the store refuses some. If a crash comes before they
// have left the quarantine, this is repeated; batches that are stored already are recognised by
// their ids.
func (r *releasing) store(ctx context.Context) (n int, err error) {
	if len(r.held) == 0 {
		return 0, nil
	}
	for _, page := range r.pages {
		if _, err = r.d.keeper.keep(ctx, page, r.now); err != nil {
			break
		}
	}
	if err == nil {
		return len(r.held), r.done(ctx, r.held, r.batches)
	}
	if !errors.Is(err, errAppend) || r.d.Ready(ctx) != nil {
		return 0, err
	}
	for i, h := range r.held {
		if _, err := r.d.storeAlone(ctx, h.Feed, &r.batches[i].Batch); err != nil {
			if ctx.Err() != nil || r.d.Ready(ctx) != nil {
				return n, err
			}
			if err := r.d.o.State.Reclassify(ctx, h.Number, ReasonStore, err.Error()); err != nil {
				return n, err
			}
			continue
		}
		if err := r.done(ctx, r.held[i:i+1], r.batches[i:i+1]); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// done removes stored batches from the quarantine.
func (r *releasing) done(ctx context.Context, held []*Held, batches []*opened) error {
	numbers := make([]uint64, len(held))
	for i, h := range held {
		numbers[i] = h.Number
	}
	if err := r.d.o.State.Release(ctx, numbers); err != nil {
		return err
	}
	for _, b := range batches {
		r.d.probes.take(b.Probes, r.now)
		r.d.metrics.batches.WithLabelValues("released").Inc()
		r.d.metrics.tookIn(b)
	}
	return nil
}

// releaseAll is RetryQuarantine as Run calls it.
func (d *Detector) releaseAll(ctx context.Context) {
	var released, kept int
	if !d.retry(ctx, "quarantine", d.o.Logger, func(ctx context.Context) error {
		n, stay, err := d.RetryQuarantine(ctx)
		released, kept = released+n, stay
		return err
	}) {
		return
	}
	if released > 0 {
		d.o.Logger.Info("batches of the quarantine open now and were stored", "released", released, "kept", kept)
	}
}

// countQuarantine updates the metrics.
func (d *Detector) countQuarantine(ctx context.Context) {
	counts, err := d.o.State.QuarantineCounts(ctx)
	if err != nil {
		return // errors of the store are reported elsewhere
	}
	d.metrics.held.Reset()
	d.metrics.heldBytes.Reset()
	for _, c := range counts {
		d.metrics.held.WithLabelValues(c.Reason).Set(float64(c.Batches))
		d.metrics.heldBytes.WithLabelValues(c.Reason).Set(float64(c.Bytes))
		d.metrics.heldDrops.WithLabelValues(c.Reason).Set(float64(c.Dropped))
	}
}

// QuarantineOutlook returns a sentence about the batches that wait for a key, or "" if there are
// none.
func (d *Detector) QuarantineOutlook(ctx context.Context) (string, error) {
	counts, err := d.o.State.QuarantineCounts(ctx)
	if err != nil {
		return "", err
	}
	for _, c := range counts {
		if c.Reason == ReasonUnknownKey && c.Batches > 0 {
			text := fmt.Sprintf("%d batches wait for a key that the detector does not hold, the oldest since %s",
				c.Batches, c.Oldest.UTC().Format(time.RFC3339))
			if c.Dropped > 0 {
				text += fmt.Sprintf("; %d were given up for want of room", c.Dropped)
			}
			return text, nil
		}
	}
	return "", nil
}
