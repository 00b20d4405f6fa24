package collector

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"
)

const (
	maintainEvery  = time.Minute
	forecastWindow = time.Hour // the growth of the inbox is that of this time
	// a detector takes batches within seconds; when the oldest is older, none does
	cutOffAfter = 10 * time.Minute
)

// never is more than any delay.
var never = math.Inf(1)

// usage is the size of the inbox at one moment.
type usage struct {
	at    time.Time
	bytes int64
}

// forecast says when the inbox will be full. The zero value knows nothing yet.
type forecast struct {
	mu      sync.Mutex
	history []usage    // owned by mu; of forecastWindow, oldest first
	last    InboxStats // owned by mu
}

func (f *forecast) note(now time.Time, s InboxStats) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = s
	f.history = append(f.history, usage{now, s.Bytes})
	for now.Sub(f.history[0].at) > forecastWindow {
		f.history = f.history[1:]
	}
}

// fullIn is the time until the inbox is full if it goes on growing, from the last note on; the
// longest Duration when it does not grow.
func (f *forecast) fullIn() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.history) < 2 {
		return math.MaxInt64
	}
	first, last := f.history[0], f.history[len(f.history)-1]
	grown, took := last.bytes-first.bytes, last.at.Sub(first.at)
	if grown <= 0 {
		return math.MaxInt64
	}
	left := float64(max(0, f.last.MaxBytes-last.bytes)) / float64(grown) * float64(took)
	if left >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(left)
}

// Outlook says in words what a collector that works now will need soon: "" when detectors take what
// it stores, else how much it holds for them, since when, and when it will be full.
func (c *Collector) Outlook(now time.Time) string {
	c.forecast.mu.Lock()
	s := c.forecast.last
	c.forecast.mu.Unlock()
	if s.Oldest.IsZero() || now.Sub(s.Oldest) < cutOffAfter {
		return ""
	}
	text := fmt.Sprintf("no detector has taken everything since %s; %d batches wait, %d of %d bytes are in use",
		s.Oldest.UTC().Format(time.RFC3339), s.Pending, s.Bytes, s.MaxBytes)
	if in := c.forecast.fullIn(); in < math.MaxInt64 {
		text += fmt.Sprintf("; at the last hour's rate the inbox is full in %.1f hours", in.Hours())
	}
	return text
}

// maintain looks after the inbox until ctx ends.
func (c *Collector) maintain(ctx context.Context) {
	tick := time.NewTicker(maintainEvery)
	defer tick.Stop()
	for {
		c.maintainOnce(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (c *Collector) maintainOnce(ctx context.Context) {
	if err := c.o.Inbox.Maintain(ctx); err != nil && ctx.Err() == nil {
		c.o.Logger.Error("inbox could not be maintained", "error", err)
	}
	s, err := c.o.Inbox.Stats(ctx)
	if err != nil {
		return // readiness tells
	}
	c.forecast.mu.Lock()
	dropped := s.Dropped - min(s.Dropped, c.forecast.last.Dropped)
	first := len(c.forecast.history) == 0
	c.forecast.mu.Unlock()
	if !first && dropped > 0 {
		c.o.Logger.Warn("batches that no detector took were dropped for their age", "batches", dropped)
	}
	now := time.Now()
	c.forecast.note(now, s)
	if text := c.Outlook(now); text != "" {
		c.o.Logger.Warn("inbox fills", "outlook", text)
	}
}

func secondsSince(now, then time.Time, without float64) float64 {
	if then.IsZero() {
		return without
	}
	return max(0, now.Sub(then).Seconds())
}
