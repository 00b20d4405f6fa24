package collector

import (
	"context"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// backlog decides which part of the uploads is shed because detectors do not take what is stored:
// none of them reads, the store behind them is slow, or the stream behind the inbox is full. So
// agents keep their reports before the inbox is full, and come back at about the rate at which
// detectors read. The part rises with the room in use, and with the age of the oldest batch while a
// detector works on it. Shedding ends at less than it began with, so that it does not begin and end
// every moment.
//
// A detector that is gone does not slow agents down by itself: the inbox is there for that.
type backlog struct {
	inbox Inbox
	log   *slog.Logger
	begin float64 // part of the room in use at which shedding begins; 1: nothing is shed

	filling, lagging bool // owned by run

	part   atomic.Uint64 // of uploads to shed, the bits of a float64
	probed atomic.Int64  // when an upload was let in although all are shed, Unix ns
}

const (
	backlogEvery = time.Second
	// shedding by room ends at this part of the room at which it began
	endPart = 2. / 3
	// the part of the room in use at which all uploads are shed but for one every probeEvery, which
	// finds out whether there is room again
	allPart    = .95
	probeEvery = time.Second
	// detectors that read take a batch sooner than this
	waitsBegin = 10 * time.Second

	// The age of the oldest batch from which a detector counts as behind, and below which it has
	// caught up; the age at which all would be shed; and the most that are shed for it.
	lagBegin = cutOffAfter
	lagEnd   = time.Minute
	lagAll   = time.Hour
	lagMost  = .9
	// a detector that did not ask for so long is gone
	goneAfter = 3 * time.Minute
)

// run follows the inbox until ctx ends.
func (b *backlog) run(ctx context.Context) {
	if b.begin >= 1 {
		return
	}
	tick := time.NewTicker(backlogEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		within, cancel := context.WithTimeout(ctx, statsTimeout)
		s, err := b.inbox.Stats(within)
		cancel()
		if err == nil { // otherwise uploads fail, and readiness reports the error
			b.note(time.Now(), s)
		}
	}
}

// note decides by the state of the inbox which part is shed from now on.
func (b *backlog) note(now time.Time, s InboxStats) {
	part := max(b.byRoom(now, &s), b.byLag(now, &s))
	before := b.shedding()
	b.part.Store(math.Float64bits(part))
	switch {
	case part > 0 && before == 0:
		b.log.Warn("agents are asked to come later because detectors do not take what is stored", "bytes", s.Bytes, "limit", s.limit(), "batches", s.Pending)
	case part == 0 && before > 0:
		b.log.Info("agents are no longer asked to come later", "bytes", s.Bytes, "limit", s.limit())
	}
}

// byRoom returns the part to shed for the room in use. Room that no batch waits in, such as that of
// ids, or of others on the disk, is none that agents can spare.
func (b *backlog) byRoom(now time.Time, s *InboxStats) float64 {
	if s.Full {
		b.filling = true
		return 1
	}
	used, end := float64(s.Bytes)/float64(max(s.limit(), 1)), b.begin*endPart
	b.filling = s.waits(now) >= waitsBegin && (used >= b.begin || b.filling && used > end)
	if !b.filling {
		return 0
	}
	return min((used-end)/(max(allPart, b.begin)-end), 1)
}

// byLag returns the part to shed for a detector that is behind, here or at a hub.
func (b *backlog) byLag(now time.Time, s *InboxStats) float64 {
	age := time.Duration(0)
	if s.worked(now) {
		age = s.waits(now)
	}
	if !s.Unread.IsZero() {
		age = max(age, now.Sub(s.Unread))
	}
	b.lagging = age >= lagBegin || b.lagging && age > lagEnd
	if !b.lagging {
		return 0
	}
	return min(float64(age)/float64(lagAll), lagMost)
}

// waits returns for how long the oldest batch has waited.
func (s *InboxStats) waits(now time.Time) time.Duration {
	if s.Oldest.IsZero() {
		return 0
	}
	return now.Sub(s.Oldest)
}

// worked reports whether a reader whose turn the oldest batch is has asked lately.
func (s *InboxStats) worked(now time.Time) bool {
	for _, r := range s.Readers {
		if r.Acked <= s.Acked && !r.Seen.IsZero() && now.Sub(r.Seen) < goneAfter {
			return true
		}
	}
	return false
}

// shedding returns the part of uploads that is shed.
func (b *backlog) shedding() float64 { return math.Float64frombits(b.part.Load()) }

// admits decides about an upload.
func (b *backlog) admits(now time.Time) bool {
	part := b.shedding()
	if part < 1 {
		return part == 0 || rand.Float64() >= part
	}
	last := b.probed.Load()
	return now.UnixNano()-last >= int64(probeEvery) && b.probed.CompareAndSwap(last, now.UnixNano())
}
