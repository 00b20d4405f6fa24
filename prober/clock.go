package prober

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
)

const (
	// clockTolerance is how far this machine's clock may be off. Answers tell the time to
	// the second.
	clockTolerance = time.Minute
	// clockWitnesses is how many servers must have told the time before the clock is doubted.
	clockWitnesses = 3
	clockServers   = 31 // whose times are remembered
)

// clock compares this machine's clock with what servers say of theirs, by the header Date of their
// answers. It is off by the median of the latest servers, so one wrong server changes nothing. It
// is safe for concurrent use.
type clock struct {
	logger *slog.Logger
	offset atomic.Int64 // in ns, this machine's clock less the servers'; 0: unknown

	mu   sync.Mutex // guards the fields below
	told []told     // of at most clockServers servers, the newest last
}

// told is how far this machine's clock is from a server's.
type told struct {
	server string
	off    time.Duration
}

// hear takes what an attempt that succeeded says about the time.
func (c *clock) hear(r *probe.Result) {
	if r.Date.IsZero() {
		return
	}
	off := r.Started.Add(r.Total()).Sub(r.Date)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = slices.DeleteFunc(c.told, func(t told) bool { return t.server == r.Server })
	if len(c.told) == clockServers {
		c.told = slices.Delete(c.told, 0, 1)
	}
	c.told = append(c.told, told{r.Server, off})
	c.judge()
}

// judge computes the offset and logs when it passes the tolerance.
func (c *clock) judge() {
	if len(c.told) < clockWitnesses {
		return
	}
	all := make([]time.Duration, len(c.told))
	for i := range c.told {
		all[i] = c.told[i].off
	}
	slices.Sort(all)
	median, before := all[len(all)/2], c.wrong()
	c.offset.Store(int64(median))
	switch now := c.wrong(); {
	case now && !before:
		c.logger.Warn("this machine's clock is off by what servers say: dates of certificates do not count; synchronise it",
			"off", median.Round(time.Second).String(), "servers", len(all))
	case before && !now:
		c.logger.Info("this machine's clock agrees with servers again")
	}
}

// off returns how far this machine's clock is ahead.
func (c *clock) off() time.Duration { return time.Duration(c.offset.Load()) }

func (c *clock) wrong() bool { return c.off().Abs() > clockTolerance }
