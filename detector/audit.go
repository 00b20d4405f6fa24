package detector

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// auditor finds collectors that sign for batches and then discard them. In later segments, clients
// name the batches that were signed for. A named batch that has not come is remembered as a claim,
// until it comes or its time is over.
//
// A claim is due, and then counts against the collector, if an honest collector would have
// delivered the batch however slow it is. A feed returns batches in the order in which they were
// stored, and this batch was stored before the claim was even sealed. So once the feed has returned
// batches that were received after the claim, the batch was skipped and is not late. See due for
// the rest.
//
// It is safe for concurrent use.
type auditor struct {
	state  State
	events Events
	fair   time.Duration // the least time for a batch to come after its claim

	mu    sync.Mutex
	feeds map[string]*feedProgress // by collector; the feeds that are read now
}

// feedProgress is how far a feed has been read.
type feedProgress struct {
	since  time.Time     // older batches may have gone to another detector
	passed time.Time     // everything that was received before has come, by both clocks
	empty  time.Time     // start of the last read that found nothing
	lag    time.Duration // the greatest recent delay of batches
	read   time.Time     // when it was read last
}

// clockSlack is how much the clocks of detector and collector may differ: two minutes.
func (a *auditor) clockSlack() time.Duration { return a.fair / 8 }

// longTime is six hours. After that time, a feed that reports that it has nothing is believed, and
// an incident without news is over.
func (a *auditor) longTime() time.Duration { return 24 * a.fair }

// follow sets the feeds that are read from now on.
func (a *auditor) follow(ctx context.Context, feeds map[string]Feed) error {
	progress := map[string]*feedProgress{}
	for name := range feeds {
		since, err := a.state.FeedSince(ctx, name)
		if err != nil {
			return err
		}
		if since.IsZero() {
			since = time.Now()
		}
		progress[name] = &feedProgress{since: since.Truncate(time.Minute)}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.feeds = progress
	return nil
}

// progress records a read of a feed that began at a time and returned n batches, the newest of
// which was received at newest.
func (a *auditor) progress(feed string, begun time.Time, n int, newest, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.feeds[feed]
	if f == nil {
		return
	}
	if !f.read.IsZero() { // it takes as long to forget a lag as it took to catch up with it, twice
		f.lag = max(f.lag-now.Sub(f.read)/2, 0)
	}
	f.read = now
	switch {
	case n == 0:
		f.empty = begun
	case newest.After(now.Add(a.clockSlack())): // its clock tells nothing
	default:
		f.passed = later(f.passed, newest.Add(-a.clockSlack()))
		f.lag = max(f.lag, now.Sub(newest))
	}
}

// due reports whether the batch of a claim has been skipped and is not merely late: the feed has
// passed it or has been silent for long, and the batch had a fair time to come. If a collector is
// down, behind or slower than it seems, no claim is due.
func (a *auditor) due(f *feedProgress, c *Claim, now time.Time) bool {
	waited := now.Sub(c.Told)
	if waited < max(a.fair, 2*f.lag) {
		return false
	}
	return f.passed.After(c.Told) || waited >= a.longTime() && f.empty.After(c.Told.Add(a.longTime()/2))
}

// covers reports whether a claim can be checked: it is about a collector whose feed is read, and
// about a batch that this detector should know.
func (a *auditor) covers(c *Claim, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	f, begun := a.feeds[c.Collector], c.minute()
	return f != nil && !begun.Before(f.since) && begun.After(now.Add(-ClaimsKept)) && begun.Before(now.Add(time.Hour))
}

// check checks the claims of a page whose batches are stored. It leaves in the page the claims to
// be stored with its cursor.
func (a *auditor) check(ctx context.Context, page *FeedPage, isNew []bool, hash *hasher, now time.Time) error {
	page.Claims, page.Claimed = nil, nil
	var open []Claim
	perNetwork, tallies := map[uint32]int{}, map[Claimed]int{}
	for i := range page.Batches {
		for _, c := range page.Batches[i].Claims {
			if c.Told = now; !a.covers(&c, now) || perNetwork[c.ASN] == claimsPerPage {
				continue
			}
			perNetwork[c.ASN]++
			if isNew[i] {
				tallies[Claimed{Collector: c.Collector, Day: now.Truncate(day), ASN: c.ASN}]++
			}
			open = append(open, c)
		}
	}
	for c, n := range tallies {
		c.Batches = n
		page.Claimed = append(page.Claimed, c)
	}
	missing, err := a.missing(ctx, open)
	switch {
	case err == nil:
		open = missing
	case !errors.Is(err, model.ErrAway): // otherwise those that have come are settled later
		return err
	}
	for i := range open {
		if open[i].Client, err = hash.client(ctx, open[i].Client, now); err != nil {
			return err
		}
	}
	page.Claims = open
	return nil
}

// missing returns the claims whose batches have not come.
func (a *auditor) missing(ctx context.Context, claims []Claim) (open []Claim, err error) {
	for some := range slices.Chunk(claims, claimsAtOnce) {
		names := make([]BatchName, len(some))
		for i := range some {
			names[i] = some[i].BatchName
		}
		came, err := a.events.Came(ctx, names)
		if err != nil {
			return nil, err
		}
		held, err := a.state.Quarantines(ctx, names)
		if err != nil {
			return nil, err
		}
		for i := range some {
			if !came[i] && !held[i] {
				open = append(open, some[i])
			}
		}
	}
	return open, nil
}

// claimsAtOnce is how many batches are looked up at a time.
const claimsAtOnce = 500
