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
	Dropped uint64    // batches ever given up for others of the same reason, see State.SaveCursor; 0 where Waits is false
}

// quarantined is an envelope that could not be used.
func quarantined(e *report.Envelope, reason string, err error) Quarantined {
	return Quarantined{ID: e.Batch, Received: time.UnixMilli(e.Received), Reason: reason, Detail: err.Error(),
		Collector: e.Collector, ASN: e.ASN, Country: e.Country, Bucket: e.Bucket, Delivery: e.Delivery, Segment: e.Segment}
}

// envelope is the inverse of quarantined.
func (h *Held) envelope() *report.Envelope {
	return &report.Envelope{Seq: h.Number, Batch: h.ID, Received: h.Received.UnixMilli(), Collector: h.Collector, ASN: h.ASN,
		Country: h.Country, Bucket: h.Bucket, Delivery: h.Delivery, Segment: h.Segment}
}

// releaseAtOnce is how many batches of the quarantine are in memory at one time: 16 MiB at most.
const releaseAtOnce = 64

// RetryQuarantine tries everything in quarantine again with the keys of now. What opens is stored
// as if it had just come, in the bins of its own time, and leaves the quarantine. It returns how
// many batches did, and how many stay. It is safe for concurrent use, also without Run; Run calls
// it at its beginning and after each Reload.
func (d *Detector) RetryQuarantine(ctx context.Context) (released, kept int, err error) {
	s := d.settings.Load()
	o := &opener{keys: s.Keys, bin: d.o.Bin, maxAge: d.o.MaxAge, vantages: s.Vantages}
	defer d.countQuarantine(ctx)
	for after := uint64(0); ; {
		held, err := d.o.State.Quarantine(ctx, after, releaseAtOnce)
		if err != nil || len(held) == 0 {
			return released, kept, err
		}
		after = held[len(held)-1].Number
		held = slices.DeleteFunc(held, func(h Held) bool { return h.Reason == ReasonDeferred }) // have their turn
		n, err := d.release(ctx, o, held)
		released += n
		kept += len(held) - n
		if err != nil {
			return released, kept, err
		}
	}
}

// release stores those batches that open now, and takes them out of the quarantine. Those that were
// deferred and do not open stay for the reason that they do not, and so do those that the store
// refuses though it is ready.
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

// releasing are batches of the quarantine that open.
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

// store stores them all, or one by one when the store refuses some. A crash before they are out of
// the quarantine repeats it, and ids drop what comes twice.
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

// done takes batches out of the quarantine that are stored.
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

// releaseAll is RetryQuarantine for Run.
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

// countQuarantine brings the metrics up to date.
func (d *Detector) countQuarantine(ctx context.Context) {
	counts, err := d.o.State.QuarantineCounts(ctx)
	if err != nil {
		return // the store's troubles are told elsewhere
	}
	d.metrics.held.Reset()
	d.metrics.heldBytes.Reset()
	for _, c := range counts {
		d.metrics.held.WithLabelValues(c.Reason).Set(float64(c.Batches))
		d.metrics.heldBytes.WithLabelValues(c.Reason).Set(float64(c.Bytes))
		d.metrics.heldDrops.WithLabelValues(c.Reason).Set(float64(c.Dropped))
	}
}

// QuarantineOutlook says in words what waits for a key: "" for nothing.
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
