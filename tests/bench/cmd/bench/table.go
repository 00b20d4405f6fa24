package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// table prints a Markdown table below a heading.
func table(out io.Writer, heading string, columns []string, rows [][]string) {
	fmt.Fprintf(out, "\n### %s\n\n| %s |\n|%s\n", heading, strings.Join(columns, " | "), "---|"+strings.Repeat("---:|", len(columns)-1))
	for _, row := range rows {
		fmt.Fprintf(out, "| %s |\n", strings.Join(row, " | "))
	}
}

func median[T int64 | float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// medianRatio is the median of the ratios of the rounds, not the ratio of the medians: what slows
// one round down slows both sides.
func medianRatio(over, under []float64) float64 {
	ratios := make([]float64, len(over))
	for i := range over {
		ratios[i] = over[i] / under[i]
	}
	return median(ratios)
}

// times writes a ratio.
func times(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) + "×" }

// thousands writes a number with separators.
func thousands[T int | int64 | float64](x T) string {
	s := strconv.FormatInt(int64(x), 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return thousands(n) + " " + thing + "s"
}
