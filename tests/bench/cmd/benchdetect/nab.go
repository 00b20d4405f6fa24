package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/heliograph-net/heliograph/tests/bench/detection"
)

// nab scores the series of the Numenta Anomaly Benchmark.
func nab(_ context.Context, o *options, out io.Writer) error {
	if o.absent(out, "nab") {
		return nil
	}
	r, err := detection.NAB(filepath.Join(o.data, "nab"))
	if err != nil {
		return err
	}
	rows := [][]string{{"all", "", fmt.Sprintf("%.1f", r.All), "", fmt.Sprintf("%.3f", r.Threshold)}}
	for _, g := range r.Groups {
		rows = append(rows, []string{g.Name, fmt.Sprint(g.Windows), fmt.Sprintf("%.1f", g.Score), fmt.Sprintf("%.1f", g.Best), fmt.Sprintf("%.3f", g.Threshold)})
	}
	table(out, fmt.Sprintf("Numenta Anomaly Benchmark, standard profile, the part that is there; %v a row", r.PerRow),
		[]string{"group", "windows", "one threshold for all", "the group's own", "threshold"}, rows)
	fmt.Fprint(out, "\nPublished (all, realTweets): ARTime 74.9, 81.8; HTM 70.1, 68.0; CAD-OSE 69.9, 74.5; S-H-ESD 47.1, 59.6; windowed Gaussian 39.6, 51.4.\n")
	return nil
}
