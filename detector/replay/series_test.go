package replay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

func series(text string) (string, error) {
	var out bytes.Buffer
	err := Series(Input{strings.NewReader(text), "s.csv"}, 5*time.Minute, &out)
	return out.String(), err
}

// rows are CSV of a calm series that ends in a spike.
func rows(exposure string) string {
	var b strings.Builder
	b.WriteString("timestamp,value")
	if exposure != "" {
		b.WriteString(",exposure")
	}
	b.WriteString("\n")
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for i := range 1000 {
		value := 10 + i%5
		if i == 999 {
			value = 500
		}
		fmt.Fprintf(&b, "%s,%d%s\n", at.Format(seriesTime), value, exposure)
		at = at.Add(5 * time.Minute)
	}
	return b.String()
}

func TestSeries(t *testing.T) {
	for _, exposure := range []string{"", ",1000"} {
		out, err := series(rows(exposure))
		lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		if err != nil || len(lines) != 1001 || lines[0] != "timestamp,value,anomaly_score" || lines[1] != "2026-03-02 00:00:00,10,0.000000" {
			t.Fatalf("%v, %d lines, %q", err, len(lines), lines[:min(len(lines), 2)])
		}
		if last := lines[1000]; !strings.HasPrefix(last, "2026-03-05 11:15:00,500,0.") || last < "2026-03-05 11:15:00,500,0.7" {
			t.Errorf("the spike is %q", last)
		}
		again, _ := series(rows(exposure))
		crlf, err := series(strings.ReplaceAll(rows(exposure), "\n", "\r\n"))
		if again != out || crlf != out || err != nil {
			t.Errorf("the same rows score otherwise (%v)", err)
		}
	}
}

func TestSeriesThatAreWrong(t *testing.T) {
	const header = "timestamp,value\n"
	for text, want := range map[string]string{
		"":                     "s.csv:1: line: want the header",
		"value,timestamp\n":    "s.csv:1: line: want the header",
		header + "yesterday,1": "s.csv:2: timestamp: ",
		header + "2026-03-02 00:00:00,1\n2026-03-02T00:05:00,1\n":    "s.csv:3: timestamp: ",
		header + "2026-03-02 00:00:00,many":                          "s.csv:2: value: \"many\" is no number",
		header + "2026-03-02 00:00:00,NaN":                           "s.csv:2: value: ",
		header + "2026-03-02 00:00:00,1e999":                         "s.csv:2: value: ",
		header + "2026-03-02 00:00:00,1,2":                           "s.csv:2: line: has 3 columns, the header 2",
		header + "2026-03-02 00:00:00,\"1":                           "s.csv:2: line: is no row of CSV",
		header + "\n":                                                "s.csv:2: line: ",
		header + strings.Repeat("9", MaxLine+1):                      "s.csv:2: line: is longer than 65536 bytes",
		"timestamp,value,exposure\n2026-03-02 00:00:00,1,-1\n":       "s.csv:2: exposure: is below 0",
		"timestamp,value,exposure\n2026-03-02 00:00:00,1,\n":         "s.csv:2: exposure: ",
		"timestamp,value,exposure\n2026-03-02 00:00:00,1,0\nx,1,1\n": "s.csv:3: timestamp: ",
	} {
		_, err := series(text)
		if _, ok := errors.AsType[*InputError](err); !ok || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.80q: %v, want %q", text, err, want)
		}
	}
}

// A row's score is there before the next row comes.
func TestSeriesAnswersAtOnce(t *testing.T) {
	in, feed := io.Pipe()
	answers, out := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- Series(Input{in, "-"}, time.Minute, out) }()
	feed.Write([]byte("timestamp,value\n2026-03-02 00:00:00,1\n"))
	buf := make([]byte, 1000)
	n, err := io.ReadAtLeast(answers, buf, len("timestamp,value,anomaly_score\n2026-03-02 00:00:00,1,0.000000\n"))
	if err != nil || !strings.HasSuffix(string(buf[:n]), "00,1,0.000000\n") {
		t.Errorf("%v: %q", err, buf[:n])
	}
	feed.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
