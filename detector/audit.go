package detector

import (
	"context"
	"slices"
	"sync"
	"time"
)

// auditor finds collectors that sign for batches and throw them away. Clients name, in later
// segments, what was signed for; whatever of it has not come is remembered as a claim until it
// comes, or until its time is over.
//
// A claim is due, and then counts against the collector, when an honest one would have delivered
// the batch however slow it is: a feed gives batches in the order in which they were stored, and
// this one was stored before the claim was even sealed. So it is skipped, and not late, once the
// feed has brought what was received after the claim came. See due for the rest.
//
// It is safe for concurrent use.
type auditor struct {
	state  State
	events Events
	fair   time.Duration // the least time that a batch has to come after its claim did

	mu    sync.Mutex
	feeds map[string]*feedProgress // by collector; those that are read now
}

// feedProgress is how far a feed was read.
type feedProgress struct {
	since  time.Time     // what is older may have gone to another detector
	passed time.Time     // everything that was received before has come, by both clocks
	empty  time.Time     // when a read began that found nothing more
	lag    time.Duration // how late batches come, at worst and lately
	read   time.Time     // when it was read last
}

// clockSlack is by how much the clocks of detector and collector may differ: two minutes.
func (a *auditor) clockSlack() time.Duration { return a.fair / 8 }

// longTime is six hours. After that a feed that says that it has nothing, and brings nothing, is
// believed, and an incident without news is over.
func (a *auditor) longTime() time.Duration { return 24 * a.fair }

// follow says which feeds are read from now on.
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

// progress notes what one read of a feed, begun at some time, brought: n batches, the newest of
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

// due reports whether the batch of a claim, which has not come, is not merely late: the feed has
// passed it, or has been silent for long, and there was a fair time. A collector that is down, or
// behind, or slower than it seems makes no claim due.
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

// check looks at the claims of a page whose batches are stored, and leaves in the page what is to
// be remembered with its cursor.
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
	open, err := a.missing(ctx, open)
	if err != nil {
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

// missing returns those of claims whose batches have not come.
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

// claimsAtOnce is how many batches are looked up at one time.
const claimsAtOnce = 500
