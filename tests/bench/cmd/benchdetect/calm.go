package main

import (
	"context"
	"fmt"
	"io"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/simulate"
	"github.com/heliograph-net/heliograph/tests/bench/detection"
)

// coarser changes a scenario as the flags say, and lets fewer clients make fewer requests.
func (o *options) coarser(s *simulate.Scenario) {
	o.change(s)
	if o.calmRate > 0 {
		s.World.Clients = int(float64(s.World.Clients) * o.calmRate / s.World.RequestsPerSecond)
		s.World.RequestsPerSecond = o.calmRate
	}
}

// calm runs days and cold starts without any fault: whatever pages is a false alarm.
func calm(ctx context.Context, o *options, out io.Writer) error {
	var rows [][]string
	for _, part := range []struct {
		name   string
		runs   int
		change func(*simulate.Scenario)
	}{{"calm", o.calmDays, o.coarser}, {"cold-start", o.starts, o.change}} {
		w, err := detection.RunWorld(ctx, detection.WorldOptions{Scenario: part.name, Seeds: part.runs, First: o.first, Peers: o.peers, Parallel: o.parallel, Judge: o.judgeOptions(),
			Change: part.change})
		if err != nil {
			return err
		}
		days, pages, opened := 0.0, 0, 0
		falses := make([]int, len(detection.PeerNames()))
		for _, r := range w.Runs {
			days += r.Days
			pages += len(r.FalsePages)
			for _, e := range r.Events {
				opened += count(e.Kind == judgement.Opened)
			}
			for i, peer := range r.Peers {
				falses[i] += peer.False
			}
		}
		cells := []string{part.name, fmt.Sprint(part.runs), fmt.Sprintf("%.1f", days), fmt.Sprint(pages), fmt.Sprint(opened)}
		for _, n := range falses {
			cells = append(cells, fmt.Sprintf("%.1f", float64(n)/max(days, 1e-9)))
		}
		rows = append(rows, cells)
		if o.verbose {
			tell(out, w)
		}
	}
	table(out, "Calm: false pages, incidents that paged nobody, false alarms a day of the simple rules",
		append([]string{"", "runs, each a start from nothing", "days", "false pages", "incidents"}, detection.PeerNames()...), rows)
	return nil
}
