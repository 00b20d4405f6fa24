package detector

import (
	"context"
	"errors"
)

const (
	// how often a page is refused by a store that takes something else, until its batches are
	// tried one by one: some ten seconds
	pageTries  = 8
	batchTries = 4 // and each of them
)

// store stores a page, and says which of its batches are new. A page that the store refuses,
// although it is ready, is stored batch by batch, and what it refuses then waits in quarantine:
// else one batch would stop its feed for ever. What waits is taken out of batches. ok is false when
// ctx ended first.
func (in *intake) store(ctx context.Context, page *FeedPage, batches []*opened) (stored []*opened, isNew []bool, ok bool) {
	tries := 0
	ok = in.d.retry(ctx, "store", in.log, func(ctx context.Context) (err error) {
		if len(page.Batches) == 0 {
			return in.d.o.State.SaveCursor(ctx, page)
		}
		if isNew, err = in.d.keeper.store(ctx, page, in.d.now()); err == nil {
			stored = batches
			return nil
		}
		if tries++; tries < pageTries || !errors.Is(err, errAppend) || in.d.Ready(ctx) != nil {
			return err
		}
		if stored, isNew, err = in.isolate(ctx, page, batches); err != nil {
			return err
		}
		page.Batches = nil
		return in.d.o.State.SaveCursor(ctx, page)
	})
	return stored, isNew, ok
}

// isolate stores the batches of a page one by one and puts those that cannot be stored into its
// quarantine.
func (in *intake) isolate(ctx context.Context, page *FeedPage, batches []*opened) (stored []*opened, isNew []bool, err error) {
	var refused []Quarantined
	for _, o := range batches {
		found, err := in.d.storeAlone(ctx, page.Feed, &o.Batch)
		switch {
		case err == nil:
			stored, isNew = append(stored, o), append(isNew, found)
		case ctx.Err() != nil || in.d.Ready(ctx) != nil:
			return nil, nil, err
		default:
			refused = append(refused, quarantined(o.sealed, ReasonStore, err))
			in.warn(o.sealed, ReasonStore, "a batch cannot be stored and was put into quarantine", err)
		}
	}
	page.Quarantined = append(page.Quarantined, refused...)
	return stored, isNew, nil
}

// storeAlone stores one batch, and tries so a few times.
func (d *Detector) storeAlone(ctx context.Context, feed string, b *Batch) (isNew bool, err error) {
	pause := newBackOff()
	for range batchTries {
		var found []bool
		if found, err = d.keeper.keep(ctx, &FeedPage{Feed: feed, Batches: []Batch{*b}}, d.now()); err == nil {
			return found[0], nil
		}
		sleep(ctx, pause.NextBackOff())
	}
	return false, err
}
