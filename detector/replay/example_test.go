package replay_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/detector/replay"
)

// A line without a target is refused, and the error says where it is.
func ExampleCells() {
	in := replay.Input{Name: "cells.jsonl", Reader: strings.NewReader(
		`{"tick":1772445000000}` + "\n" +
			`{"at":1772445000000,"app":"shop","outcome":"tcp.refused","raw":1,"estimated":1}` + "\n")}
	err := replay.Cells(in, judgement.Options{}, os.Stdout, io.Discard)
	fmt.Println(err)
	// Output:
	// cells.jsonl:2: target: is missing in a row
}

// A day of calm is followed by a bin with ten times as many failures.
func ExampleSeries() {
	var in, out bytes.Buffer
	fmt.Fprintln(&in, "timestamp,value")
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for bin := range 289 {
		failures := 10
		if bin == 288 {
			failures = 100
		}
		fmt.Fprintf(&in, "%s,%d\n", start.Add(time.Duration(bin)*5*time.Minute).Format(time.DateTime), failures)
	}
	if err := replay.Series(replay.Input{Name: "failures.csv", Reader: &in}, 5*time.Minute, &out); err != nil {
		fmt.Println(err)
		return
	}
	rows := strings.Split(strings.TrimSpace(out.String()), "\n")
	fmt.Println(rows[0])
	fmt.Println(rows[1])
	last, _, _ := strings.Cut(rows[len(rows)-1], ",0.")
	fmt.Println(last, "scores above 0.5:", rows[len(rows)-1] > last+",0.5")
	// Output:
	// timestamp,value,anomaly_score
	// 2026-03-02 00:00:00,10,0.000000
	// 2026-03-03 00:00:00,100 scores above 0.5: true
}
