package detector

import (
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// maxTimed is for how many requests of a target the durations of one window count. Those of a
// client that reports more count in proportion, so that one report does not make a target look slow
// or fast.
const maxTimed = 1000

// counted is the window that was read last, for the durations that may follow.
type counted struct {
	window *report.Window
	middle time.Time
	weight float64
}

// durations stores how long the requests of the window before took that succeeded, for the targets
// whose latency is asked for. Durations that follow no window say nothing.
func (c *conversion) durations(d *report.Durations) {
	if c.before.window == nil || len(c.timed) == 0 {
		return
	}
	i := 0
	for group := range c.before.window.Groups() {
		if i == len(d.Histograms) {
			return
		}
		h := d.Histograms[i]
		i++
		if len(h) == 0 || group[0].Outcome != report.OK || !c.timed[group[0].Target] {
			continue
		}
		requests := uint64(0)
		for k := range group {
			requests += group[k].Count
		}
		total := h.Total()
		if total > requests {
			continue // it claims to have measured more than it counted
		}
		weight := c.before.weight * min(1, maxTimed/float64(total))
		c.out.Timed = append(c.out.Timed, model.Timed{At: c.before.middle, Target: group[0].Target, Histogram: h, Weight: weight})
	}
}
