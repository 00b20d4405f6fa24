package natsgroup

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// item is a batch that is not opened yet.
type item struct {
	at    int // its index
	batch *report.Envelope
	of    digest
	info  seal.SegmentInfo
	key   *keyed
}

// task is one call of Open.
type task struct {
	*Group
	feed string
	keys *seal.Keyring
	last uint64 // number of the last batch
	out  []detector.Opening
}

// Open implements [detector.Opener].
func (g *Group) Open(ctx context.Context, feed string, keys *seal.Keyring, batches []*report.Envelope) []detector.Opening {
	if len(batches) == 0 {
		return nil
	}
	t := &task{Group: g, feed: feed, keys: keys, last: batches[len(batches)-1].Seq, out: make([]detector.Opening, len(batches))}
	g.reached(feed, batches[0].Seq-1, true)
	t.share(ctx, t.items(batches))
	return t.out
}

// items returns the batches that take work. The others, which are malformed or sealed to an unknown
// key, are done.
func (t *task) items(batches []*report.Envelope) (all []item) {
	for i, b := range batches {
		info, err := seal.ParseSegment(b.Segment)
		var k *keyed
		if err == nil {
			if k = t.keyed(t.keys, info.Key); k == nil {
				err = seal.ErrUnknownKey
			}
		}
		if err != nil {
			t.out[i] = detector.Opening{Info: info, Err: err}
			continue
		}
		all = append(all, item{i, b, sha256.Sum256(b.Segment), info, k})
	}
	return all
}

// share opens this member's part of items, publishes it, and takes the rest from the others. What
// does not come is shared anew among those that are left.
func (t *task) share(ctx context.Context, rest []item) {
	for first := true; ctx.Err() == nil; first = false {
		own, others, sharers := t.divide(rest, first)
		t.open(ctx, own, len(sharers) > 1)
		if ctx.Err() != nil {
			return
		}
		if first {
			t.reached(t.feed, t.last, len(sharers) > 1)
		}
		if rest = t.await(ctx, others, sharers); len(rest) == 0 {
			return
		}
	}
}

// divide takes what others have published already, and divides the rest into what to open now and
// what others bring. All of that is as of one moment: a member's pages come before its word that it
// has sent them.
func (t *task) divide(items []item, first bool) (own, others []item, sharers []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	sharers = t.members.sharers(t.feed, t.last, now)
	overtaken := 0
	for _, i := range t.takeLocked(items) {
		owner := i.key.owner(i.of, sharers)
		if owner != t.o.Member && t.members.brings(owner, t.feed, i.batch.Seq, now) {
			others = append(others, i)
			continue
		}
		own = append(own, i)
		if !first || owner != t.o.Member {
			overtaken++
		}
	}
	t.metrics.own.Add(float64(len(own) - overtaken))
	t.metrics.overtaken.Add(float64(overtaken))
	return own, others, sharers
}

// taken takes what others have published, and returns the rest.
func (t *task) taken(items []item) (rest []item) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.takeLocked(items)
}

// takeLocked is taken for callers that hold t.mu.
func (t *task) takeLocked(items []item) (rest []item) {
	for _, i := range items {
		e, ok := t.cache.take(i.of)
		if !ok {
			rest = append(rest, i)
			continue
		}
		t.out[i.at] = detector.Opening{Info: i.info, Records: e.records}
		if len(e.records) == 0 {
			t.out[i.at].Err = errElsewhere
		}
	}
	t.metrics.taken.Add(float64(len(items) - len(rest)))
	return rest
}

// errElsewhere says that a segment does not open, as another member has found.
var errElsewhere = fmt.Errorf("%w, another detector of the group has found", seal.ErrOpen)

// await waits until others have published items, or no longer will. It returns what has not come.
func (t *task) await(ctx context.Context, items []item, sharers []string) (rest []item) {
	end := time.NewTimer(patience)
	defer end.Stop()
	look := time.NewTicker(aliveEvery / 4) // for members that fall silent
	defer look.Stop()
	for rest = items; ; {
		t.mu.Lock()
		news := t.news
		t.mu.Unlock()
		if rest = t.taken(rest); len(rest) == 0 {
			return nil
		}
		if slices.ContainsFunc(rest, func(i item) bool { return !t.brings(i.key.owner(i.of, sharers), i.batch.Seq) }) {
			return t.taken(rest) // with what came just before the word that all was sent
		}
		select {
		case <-news:
		case <-look.C:
		case <-end.C:
			t.giveUp(rest, sharers)
			return rest
		case <-ctx.Done():
			return rest
		}
	}
}

// brings reports whether a member may still bring its part of the feed up to a number.
func (t *task) brings(member string, seq uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.members.brings(member, t.feed, seq, time.Now())
}

// giveUp no longer waits for those whose items have not come.
func (t *task) giveUp(rest []item, sharers []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, i := range rest {
		t.members.slow(i.key.owner(i.of, sharers), time.Now())
	}
	t.metrics.gaveUp.Inc()
	t.log.Warn("a member did not bring its part of the batches in time", "batches", len(rest), "waited", patience.String())
}

// reached says how far this member is in a feed, to the others if tell is set.
func (g *Group) reached(feed string, seq uint64, tell bool) {
	g.mu.Lock()
	before, known := g.members.feeds[feed]
	g.members.feeds[feed] = seq
	g.mu.Unlock()
	if tell && (!known || before != seq) {
		g.say()
	}
}

// open opens items on all CPUs, and publishes what is in them if publish is set.
func (t *task) open(ctx context.Context, items []item, publish bool) {
	const each = 32 // items of a turn, about 3 ms
	turns := make(chan []item, len(items)/each+1)
	for part := range slices.Chunk(items, each) {
		turns <- part
	}
	close(turns)
	var running sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(turns)) {
		running.Go(func() {
			for part := range turns {
				if ctx.Err() == nil {
					t.openPart(part, publish)
				}
			}
		})
	}
	running.Wait()
}

// openPart opens items and publishes what is in them, a page for each of their keys.
func (t *task) openPart(items []item, publish bool) {
	pages := map[seal.KeyID][]entry{}
	size := 0
	for _, i := range items {
		o := &t.out[i.at]
		o.Info, o.Records, o.Err = t.keys.Open(i.batch.Segment)
		if !publish || o.Err != nil && !errors.Is(o.Err, seal.ErrOpen) {
			continue
		}
		e := entry{i.of, o.Records}
		if size > 0 && size+e.size() > pageBytes {
			t.send(pages)
			pages, size = map[seal.KeyID][]entry{}, 0
		}
		pages[i.info.Key], size = append(pages[i.info.Key], e), size+e.size()
	}
	t.send(pages)
}

func (t *task) send(pages map[seal.KeyID][]entry) {
	t.mu.Lock()
	publish := t.publish
	t.mu.Unlock()
	for id, entries := range pages {
		if k := t.keyed(t.keys, id); k != nil {
			// who does not get it opens the segments itself
			_ = publish(kindPage, sealPage(k.pages, id, entries))
		}
	}
}
