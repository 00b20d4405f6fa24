package history

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
)

// Record appends the state of m at every full interval (a minute is usual) until ctx ends, and once
// more then. While m has no servers it appends nothing. What a failed append says goes to failed;
// the next one is tried all the same.
func (l *Log) Record(ctx context.Context, m *heatmap.Map, interval time.Duration, failed func(error)) {
	add := func(at time.Time) {
		s := m.Snapshot()
		if s.Topology.Len() == 0 {
			return
		}
		if err := l.Append(at, s); err != nil {
			failed(err)
		}
	}
	for {
		now := time.Now()
		next := now.Truncate(interval).Add(interval)
		timer := time.NewTimer(next.Sub(now))
		select {
		case <-timer.C:
			add(next)
		case <-ctx.Done():
			timer.Stop()
			add(time.Now())
			return
		}
	}
}
