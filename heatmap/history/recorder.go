package history

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
)

// Record appends the state of m at every full interval (usually a minute), and once more when ctx
// ends. It then returns. While m has no servers, it appends nothing. It passes the error of a
// failed append to failed, and tries again at the next interval.
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
