package natsgroup

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/internal/metricset"
)

// metrics are those of one member.
type metrics struct {
	own, taken, overtaken    prometheus.Counter
	gaveUp, refused, dropped prometheus.Counter
}

// newMetrics registers the metrics with r, which may be nil.
func newMetrics(r prometheus.Registerer, g *Group) (*metrics, error) {
	var all metricset.Set
	prefix := "heliograph_group_"
	batches := prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "batches_total",
		Help: "Batches by how they were opened: own, as this member's part; taken, from another member; overtaken, because the member whose part they were did not bring them."}, []string{"how"})
	all = append(all, batches)
	counter := func(n, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + n, Help: help})
		all = append(all, c)
		return c
	}
	m := &metrics{own: batches.WithLabelValues("own"), taken: batches.WithLabelValues("taken"), overtaken: batches.WithLabelValues("overtaken"),
		gaveUp:  counter("given_up_total", "Times that a member was there and did not bring its part in time; it gets none for half a minute."),
		refused: counter("refused_messages_total", "Messages that were not of this group, damaged, or from a detector with this member's name."),
		dropped: counter("dropped_batches_total", "Batches that another member had opened and that were dropped before they were needed."),
	}
	all = append(all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: prefix + "members", Help: "Members that are there, with this one."}, func() float64 {
		g.mu.Lock()
		defer g.mu.Unlock()
		return float64(g.members.there(time.Now()))
	}))
	_, err := all.Register(r)
	return m, err
}
