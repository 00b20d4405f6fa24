package detector

import (
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
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
	end    time.Time
	weight float64
}

// durations puts before the judge how long the requests of the window before took that succeeded,
// and stores it for the targets whose latency is asked for. Durations that follow no window say
// nothing.
func (c *conversion) durations(d *report.Durations) {
	if c.before.window == nil {
		return
	}
	i := 0
	for group := range c.before.window.Groups() {
		if i == len(d.Histograms) {
			return
		}
		h := d.Histograms[i]
		i++
		if len(h) == 0 || group[0].Outcome != report.OK {
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
		if c.room() {
			c.out.TimedRows = append(c.out.TimedRows, c.timedRow(group, h, total))
		}
		if !c.timed[group[0].Target] {
			continue
		}
		weight := c.before.weight * min(1, maxTimed/float64(total))
		c.out.Timed = append(c.out.Timed, model.Timed{At: c.before.middle, Target: group[0].Target, Histogram: h, Weight: weight})
	}
}

// timedRow returns the row that tells how long the requests of a group took. It has the server, the
// protocol and the status that all of them have.
func (c *conversion) timedRow(group []report.Counter, h report.Histogram, total uint64) judgement.Row {
	common := group[0]
	for i := range group[1:] {
		k := &group[1+i]
		if k.Server != common.Server {
			common.Server = ""
		}
		if k.Protocol != common.Protocol {
			common.Protocol = ""
		}
		if k.Status != common.Status {
			common.Status = 0
		}
	}
	scrubCounter(&common)
	return judgement.Row{
		At: c.before.end.UnixMilli(), Arrived: c.received.UnixMilli(), App: c.header.App, Version: c.header.Version, OS: c.header.OS, Target: common.Target, Outcome: report.OK,
		Protocol: common.Protocol, Status: status(common.Status), Server: common.Server, Source: c.header.Source, ASN: c.e.ASN, Country: c.e.Country,
		Collector: c.e.Collector, Bucket: c.e.Bucket, Client: c.client, Raw: total, Estimated: float64(total) * c.before.weight, Took: &h,
	}
}
