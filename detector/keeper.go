package detector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
)

// keeper stores pages and applies the rules that the stores do not know: clients are hashed, the
// number of series is bounded, and samples of deleted clients are neither kept nor accepted. It is
// safe for concurrent use.
type keeper struct {
	events  Events
	state   State
	metrics *metrics // nil: nothing is counted
	audit   *auditor // nil: receipts are not audited

	// mu is held while storing, so that no sample of a client is stored between a deletion notice
	// and its effect. It guards the following fields.
	mu     sync.Mutex
	series limiter
	scale  scale
	keys   map[int64]sketch.Key // by day from 1 January 1970; today's and yesterday's
}

// store stores a page and returns which of its batches are new. After an error or a crash, it may
// be called again with the same page: batches that are stored already are recognised by their ids,
// and everything else is repeated. The cursor is stored last, so that a crash before that repeats
// the page.
func (k *keeper) store(ctx context.Context, page *FeedPage, now time.Time) (isNew []bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if isNew, err = k.add(ctx, page, now); err != nil {
		return nil, err
	}
	if k.audit != nil {
		if err := k.audit.check(ctx, page, isNew, &hasher{keeper: k, now: now, known: map[clientDay]uint64{}}, now); err != nil {
			return nil, err
		}
	}
	return isNew, k.state.SaveCursor(ctx, page)
}

// keep is like store for a page that is not from a feed: it stores no cursor.
func (k *keeper) keep(ctx context.Context, page *FeedPage, now time.Time) (isNew []bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.add(ctx, page, now)
}

// errAppend says that the store of events refused batches.
var errAppend = errors.New("the store of events refuses it")

// add stores the batches of a page and does what they demand.
func (k *keeper) add(ctx context.Context, page *FeedPage, now time.Time) (isNew []bool, err error) {
	deleted, err := k.deletions(ctx, page)
	if err != nil {
		return nil, err
	}
	kept := *page
	kept.Batches = slices.Clone(page.Batches)
	hash := hasher{keeper: k, now: now, known: map[clientDay]uint64{}}
	clipped := make([]beyond, len(kept.Batches))
	for i := range kept.Batches {
		b := &kept.Batches[i]
		if b.Counts, clipped[i], err = k.counts(ctx, b.Counts, &hash, now); err != nil {
			return nil, err
		}
		b.Rows = hashed(b.Rows, b.Counts)
		b.TimedRows = slices.Clone(b.TimedRows)
		for i := range b.TimedRows {
			r := &b.TimedRows[i]
			if r.Client, err = hash.client(ctx, r.Client, time.UnixMilli(r.At)); err != nil {
				return nil, err
			}
		}
		*b = b.withoutSamplesOf(deleted)
	}
	if k.metrics != nil {
		k.series.tell(k.metrics)
	}
	if isNew, err = k.events.Append(ctx, &kept); err != nil {
		return nil, fmt.Errorf("%w: %w", errAppend, err)
	}
	k.metrics.clippedRequests(clipped, isNew)
	if deletions := deletionsOf(page); len(deletions) > 0 {
		clients := make([]uint64, len(deletions))
		for i := range deletions {
			clients[i] = deletions[i].Client
		}
		if err := k.events.Forget(ctx, clients); err != nil {
			return nil, err
		}
	}
	return isNew, nil
}

// deletions records the page's deletion notices and returns which clients of its samples are
// deleted.
func (k *keeper) deletions(ctx context.Context, page *FeedPage) (map[uint64]bool, error) {
	var clients []uint64
	for i := range page.Batches {
		b := &page.Batches[i]
		for j := range b.Samples {
			clients = append(clients, b.Samples[j].Client)
		}
	}
	// Anybody can send notices, so a page of them must not cost more than one.
	if deletions := deletionsOf(page); len(deletions) > 0 {
		if err := k.state.SaveDeleted(ctx, deletions); err != nil {
			return nil, err
		}
	}
	slices.Sort(clients)
	deleted, err := k.state.Deleted(ctx, slices.Compact(clients))
	if err != nil {
		return nil, err
	}
	set := make(map[uint64]bool, len(deleted))
	for _, c := range deleted {
		set[c] = true
	}
	return set, nil
}

// deletionsOf returns the deletions that the page's notices demand.
func deletionsOf(page *FeedPage) (all []Deletion) {
	for i := range page.Batches {
		b := &page.Batches[i]
		for _, c := range b.Deleted {
			all = append(all, Deletion{Client: c, ASN: b.ASN, Received: b.Received})
		}
	}
	return all
}

// counts returns counts with hashed clients, under series for which there is room, and how many
// requests it left out.
func (k *keeper) counts(ctx context.Context, counts []model.Count, hash *hasher, now time.Time) ([]model.Count, beyond, error) {
	if err := k.series.load(ctx, k.events); err != nil {
		return nil, beyond{}, err
	}
	counts = slices.Clone(counts)
	clipped := k.scale.clip(now, counts)
	for i := range counts {
		c := &counts[i]
		var err error
		if c.Client, err = hash.client(ctx, c.Client, c.End); err != nil {
			return nil, beyond{}, err
		}
		c.Series = k.series.admit(now, place{c.ASN, c.Bucket}, c.Series)
	}
	return counts, clipped, nil
}

// hashed returns rows with the hashed clients of their counts. Rows are judged as they came,
// because the judgement itself handles loud and invented ones.
func hashed(rows []judgement.Row, counts []model.Count) []judgement.Row {
	rows = slices.Clone(rows)
	for i := range rows[:min(len(rows), len(counts))] {
		rows[i].Client = counts[i].Client
	}
	return rows
}

// prune deletes data that is too old, also from memory.
func (k *keeper) prune(ctx context.Context, now time.Time, r Retention) error {
	if err := k.state.Prune(ctx, now, r); err != nil {
		return err
	}
	k.mu.Lock()
	clear(k.keys)
	k.mu.Unlock()
	if err := k.events.Prune(ctx, now, r); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.series.forget()
	return nil
}

// trim keeps the store within maxBytes.
func (k *keeper) trim(ctx context.Context, maxBytes int64) (dropped map[string]int64, err error) {
	dropped, err = k.events.Trim(ctx, maxBytes)
	if len(dropped) > 0 {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.series.forget()
	}
	return dropped, err
}

// hasher hashes the clients of one page.
type hasher struct {
	*keeper
	now   time.Time
	known map[clientDay]uint64
}

type clientDay struct {
	client uint64
	day    int64
}

// client returns the hash of a client's token under the key of the day of a bin. Keys live for two
// days. Counts that come later are hashed under today's key. Then the client counts once more,
// because it is unknown whether it was counted before.
func (h *hasher) client(ctx context.Context, token uint64, binEnd time.Time) (uint64, error) {
	today := dayOf(h.now)
	number := dayOf(binEnd.Add(-time.Millisecond)) // a bin is named by its end
	if number < today-1 || number > today {
		number = today
	}
	at := clientDay{token, number}
	if hash, known := h.known[at]; known {
		return hash, nil
	}
	key, known := h.keys[number]
	if !known {
		var err error
		if key, err = h.state.ClientKey(ctx, time.UnixMilli(number*day.Milliseconds())); err != nil {
			return 0, err
		}
		if h.keys == nil {
			h.keys = map[int64]sketch.Key{}
		}
		h.keys[number] = key
	}
	hash := sketch.Hash(key, token)
	h.known[at] = hash
	return hash, nil
}

// dayOf returns the number of a UTC day, counted from 1 January 1970.
func dayOf(t time.Time) int64 { return t.UnixMilli() / day.Milliseconds() }
