package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/heliograph-net/heliograph/tests/bench/detection"
)

// published are the results of others on all 135 cases, of which 68 are here.
var published = []struct{ name, top1, top3, top5 string }{
	{"RobustSpot (135 cases)", ".711", ".844", ".98"},
	{"Poisson scan (135 cases)", ".622", ".889", ".941"},
}

func localisation(w io.Writer, dir string) error {
	l, err := detection.RS(dir)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\ttop-1\ttop-3\ttop-5\tmean\tlongest")
	fmt.Fprintf(t, "heliograph (%d cases)\t%.3f\t%.3f\t%.3f\t%v\t%v\n", l.Cases, l.Share(1), l.Share(3), l.Share(5),
		(l.Total / time.Duration(max(l.Cases, 1))).Round(10*time.Microsecond), l.Longest.Round(10*time.Microsecond))
	for _, p := range published {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", p.name, p.top1, p.top3, p.top5)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "not first, with the rank (0: not among five): %s\n", strings.Join(l.Missed, ", "))
	return err
}
