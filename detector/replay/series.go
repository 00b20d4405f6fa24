package replay

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/detector/score"
)

// seriesTime is the layout of the times in a series.
const seriesTime = "2006-01-02 15:04:05"

// Series scores the rows of one series: CSV with the header "timestamp,value" or
// "timestamp,value,exposure", one row for each bin. It writes each row to out with its score as
// soon as the row has come. If the input is bad, it returns an *[InputError].
func Series(in Input, bin time.Duration, out io.Writer) error {
	scorer, err := score.New(bin)
	if err != nil {
		return fmt.Errorf("--bin: %w", err)
	}
	rows := table{newLines(in)}
	header, err := rows.read()
	if err == io.EOF {
		rows.n = 1
	} else if err != nil {
		return err
	}
	names := strings.Join(header, ",")
	if names != "timestamp,value" && names != "timestamp,value,exposure" {
		return rows.fault("line", "want the header timestamp,value or timestamp,value,exposure")
	}
	w := bufio.NewWriter(out)
	if _, err := w.WriteString("timestamp,value,anomaly_score\n"); err != nil {
		return err
	}
	for {
		record, err := rows.read()
		switch {
		case err == io.EOF:
			return w.Flush()
		case err != nil:
			return err
		case len(record) != len(header):
			return rows.fault("line", fmt.Sprintf("has %d columns, the header %d", len(record), len(header)))
		}
		s, err := rows.score(scorer, record)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s,%s,%s\n", record[0], record[1], strconv.FormatFloat(s, 'f', 6, 64))
		if rows.waiting() {
			continue // more rows have come already, so one flush serves them all
		}
		if err := w.Flush(); err != nil {
			return fmt.Errorf("writing scores: %w", err)
		}
	}
}

// table reads CSV, one row per line.
type table struct{ *lines }

// read returns the next row's columns, and io.EOF after the last.
func (t *table) read() ([]string, error) {
	text, err := t.next()
	if err != nil {
		return nil, err
	}
	record, err := csv.NewReader(bytes.NewReader(text)).Read()
	if err != nil {
		return nil, t.fault("line", "is no row of CSV")
	}
	return record, nil
}

func (t *table) score(s *score.Scorer, record []string) (float64, error) {
	at, err := time.Parse(seriesTime, record[0])
	if err != nil {
		return 0, t.fault("timestamp", fmt.Sprintf("%q is no time such as %s", cut(record[0], 64), seriesTime))
	}
	value, err := finite(record[1])
	if err != nil {
		return 0, t.fault("value", err.Error())
	}
	exposure := 0.0
	if len(record) == 3 {
		if exposure, err = finite(record[2]); err == nil && exposure < 0 {
			err = errors.New("is below 0")
		}
		if err != nil {
			return 0, t.fault("exposure", err.Error())
		}
		if exposure == 0 { // nobody could have failed, so this bin says nothing
			return 0, nil
		}
	}
	return s.Add(at, value, exposure), nil
}

func finite(text string) (float64, error) {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
		return 0, fmt.Errorf("%q is no number", cut(text, 64))
	}
	return x, nil
}
