package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/tests/bench/detection"
)

// published are the results of others on all 135 cases, of which 68 are in the part that is given.
var published = [][]string{
	{"RobustSpot, 135 cases", ".711", ".844", ".98"},
	{"Poisson scan, 135 cases", ".622", ".889", ".941"},
}

// localisation explains real cases of failing video sessions, with the causes that people found.
func localisation(_ context.Context, o *options, out io.Writer) error {
	dir := filepath.Join(o.data, "rs")
	l, err := detection.RS(dir)
	if errors.Is(err, fs.ErrNotExist) {
		_, err = fmt.Fprintf(out, "\nrs: not measured: %v; set HELIOGRAPH_DATA to the directory of the data sets\n", err)
		return err
	}
	if err != nil {
		return err
	}
	mean := l.Total / time.Duration(max(l.Cases, 1))
	ours := []string{fmt.Sprintf("heliograph, %d cases", l.Cases), fmt.Sprintf("%.3f", l.Share(1)), fmt.Sprintf("%.3f", l.Share(3)),
		fmt.Sprintf("%.3f", l.Share(5)), mean.Round(10 * time.Microsecond).String(), l.Longest.Round(10 * time.Microsecond).String()}
	rows := [][]string{ours}
	for _, p := range published {
		rows = append(rows, append(p, "", ""))
	}
	table(out, "Localisation of real cases", []string{"", "top-1", "top-3", "top-5", "mean", "longest"}, rows)
	if o.verbose {
		_, err = fmt.Fprintf(out, "\nNot first, with the rank (0: not among five): %s\n", strings.Join(l.Missed, ", "))
	}
	return err
}
