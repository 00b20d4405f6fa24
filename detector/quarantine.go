package detector

import (
	"context"
	"fmt"
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
	Dropped uint64    // batches ever given up for others of the same reason, see State.SaveCursor
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
		n, err := d.release(ctx, o, held)
		released += n
		kept += len(held) - n
		if err != nil {
			return released, kept, err
		}
	}
}

// release stores those batches that open now, and takes them out of the quarantine.
func (d *Detector) release(ctx context.Context, o *opener, held []Held) (n int, err error) {
	now := time.Now()
	pages := map[string]*FeedPage{} // by feed
	var numbers []uint64
	var batches []*opened
	for i := range held {
		h := &held[i]
		if h.Reason == ReasonCollector {
			continue
		}
		b, _, err := o.open(h.envelope(), now)
		if err != nil {
			continue
		}
		if pages[h.Feed] == nil {
			pages[h.Feed] = &FeedPage{Feed: h.Feed}
		}
		pages[h.Feed].Batches = append(pages[h.Feed].Batches, b.Batch)
		numbers, batches = append(numbers, h.Number), append(batches, b)
	}
	if len(numbers) == 0 {
		return 0, nil
	}
	for _, page := range pages {
		if err := d.keeper.keep(ctx, page, now); err != nil {
			return 0, err
		}
	}
	// A crash before this repeats the above, and ids drop it.
	if err := d.o.State.Release(ctx, numbers); err != nil {
		return 0, err
	}
	for _, b := range batches {
		d.probes.take(b.Probes, now)
		d.metrics.batches.WithLabelValues("released").Inc()
		d.metrics.tookIn(b)
	}
	return len(numbers), nil
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
