package main

import (
	"context"
	"fmt"
	"io"

	"github.com/heliograph-net/heliograph/tests/bench/detection"
)

// load measures what a bin costs when there are very many series.
func load(ctx context.Context, o *options, out io.Writer) error {
	l, err := detection.RunLoad(ctx, o.series, 60, o.judgeOptions())
	if err != nil {
		return err
	}
	table(out, fmt.Sprintf("%d series, every one with a row in every bin", o.series), []string{"", ""}, [][]string{
		{"CPU per bin, median / most", fmt.Sprintf("%.3f s / %.3f s", detection.Quantile(l.CPU, 0.5), detection.Quantile(l.CPU, 1))},
		{"of that in the step that judges", fmt.Sprintf("%.3f s / %.3f s", detection.Quantile(l.Step, 0.5), detection.Quantile(l.Step, 1))},
		{"heap in use at most", fmt.Sprintf("%.1f MB", l.Heap/1e6)},
		{"of that live", fmt.Sprintf("%.1f MB", l.Live/1e6)},
		{"rows dropped", fmt.Sprint(l.Dropped)},
		{"events", fmt.Sprint(l.Events)},
	})
	return nil
}
