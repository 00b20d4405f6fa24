package detector

import (
	"context"
	"errors"
)

const (
	// how often a store that accepts other data may refuse a page before its batches are stored one
	// by one: about ten seconds
	pageTries  = 8
	batchTries = 4 // the same for each of these batches
)

// storePage stores a page and returns which of its batches are new. If the store refuses a page
// although it is ready, the batches are stored one by one, and those that it refuses wait in
// quarantine. Otherwise one batch would block its feed for ever. Batches that wait are removed from
// batches. ok is false if ctx ended first.
func (in *intake) storePage(ctx context.Context, page *FeedPage, batches []*opened) (stored []*opened, isNew []bool, ok bool) {
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

// isolate stores the batches of a page one by one, and adds those that cannot be stored to its
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

// storeAlone stores one batch, with a few attempts.
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
