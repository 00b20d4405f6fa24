package detector

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/detector/vantages"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/report"
)

// How many changes of servers are logged: so many at once, and then one per interval. The failure
// of a data centre is one incident and need not be a million lines.
const (
	reachBurst = 50
	reachEvery = time.Second
	maxNamed   = 8 // vantages in one line
)

// judge combines the vantages' judgements of t. If the result has changed, it logs and counts that.
func (m *probeMap) judge(t *probed, now time.Time) heatmap.State {
	var few [8]vantages.Word // no allocation for most
	words := few[:0]
	for i := range t.judgements {
		if j := &t.judgements[i]; j.holds(now, m.hold) {
			words = append(words, vantages.Word{Vantage: j.vantage, ASN: j.asn, Judgement: j.Judgement})
		}
	}
	reach := m.rule.Judge(words)
	if reach != t.reach {
		m.reaches[t.reach]--
		m.reaches[reach]++
		m.tell(t, reach, now)
		t.reach, t.since = reach, now
	}
	switch reach {
	case vantages.Up, vantages.Local:
		return heatmap.Up
	case vantages.Global:
		return heatmap.Down
	}
	return heatmap.Unknown
}

// tell logs that the reach of t changes.
func (m *probeMap) tell(t *probed, reach vantages.Reach, now time.Time) {
	calm := func(r vantages.Reach) bool { return r == vantages.Up || r == vantages.Unknown }
	if calm(t.reach) && calm(reach) {
		return
	}
	m.room = m.room.refill(now, reachBurst, reachEvery)
	if m.room.left < 1 {
		m.untold++
		return
	}
	m.room.left--
	args := []any{"server", t.Name, "data_centre", t.DataCentre, "cluster", t.Cluster, "row", t.Row}
	if m.untold > 0 {
		args = append(args, "untold_before", m.untold)
		m.untold = 0
	}
	switch reach {
	case vantages.Global:
		m.log.Warn("server is down for all vantages", append(args, "why", t.why(now, m.hold))...)
	case vantages.Local:
		m.log.Warn("server is down for some vantages", append(args, "why", t.why(now, m.hold))...)
	case vantages.Up:
		m.log.Info("server is up again", append(args, "after", now.Sub(t.since).Round(time.Second).String())...)
	default:
		m.log.Info("no vantage judges a server any more that was down", args...)
	}
}

// why says what each vantage that finds t down saw last, such as "AS64501 tcp.refused in connect".
// It does not name vantages, because whoever knows a vantage's name can send results as that
// vantage.
func (t *probed) why(now time.Time, hold time.Duration) string {
	var all []string
	for i := range t.judgements {
		if j := &t.judgements[i]; j.Judgement == report.JudgedDown && j.holds(now, hold) && len(all) < maxNamed {
			all = append(all, j.words())
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// newProbeReach returns a collector of how many servers are down, and for whom.
func newProbeReach(m *probeMap) prometheus.Collector {
	return probeReach{m, prometheus.NewDesc("heliograph_detector_servers",
		"Servers by what the vantages say together: up, local (down for some), global (down for all), unknown.", []string{"reach"}, nil)}
}

type probeReach struct {
	m    *probeMap
	desc *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (p probeReach) Describe(ch chan<- *prometheus.Desc) { ch <- p.desc }

// Collect implements prometheus.Collector.
func (p probeReach) Collect(ch chan<- prometheus.Metric) {
	p.m.mu.Lock()
	counts := p.m.reaches
	p.m.mu.Unlock()
	for reach, n := range counts {
		ch <- prometheus.MustNewConstMetric(p.desc, prometheus.GaugeValue, float64(n), vantages.Reach(reach).String())
	}
}
