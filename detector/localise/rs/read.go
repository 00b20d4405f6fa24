package rs

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Limits of the input.
const (
	maxLine  = 64 << 10
	maxValue = 256 // bytes of an attribute's value
	hour     = 3600
	minute   = 60
)

// read sums the rows by combination, for each of the minutes.
func read(r io.Reader, o Options) (*cases, error) {
	c := csv.NewReader(&lines{r: r, n: 1})
	c.ReuseRecord = true
	header, err := c.Read()
	if err == io.EOF {
		return nil, fmt.Errorf("%s:1: the header is missing", o.File)
	}
	if err != nil {
		return nil, fault(o.File, err)
	}
	cols, err := parseHeader(header)
	if err != nil {
		return nil, fmt.Errorf("%s:1: %w", o.File, err)
	}
	t := newCases(cols.names, len(o.At))
	for {
		record, err := c.Read()
		if err == io.EOF {
			return t, nil
		}
		if err != nil {
			return nil, fault(o.File, err)
		}
		if err := t.row(record, cols, o.At); err != nil {
			at, _ := c.FieldPos(0)
			return nil, fmt.Errorf("%s:%d: %w", o.File, at, err)
		}
	}
}

// fault names the file and the line of an error of the CSV reader.
func fault(file string, err error) error {
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		return fmt.Errorf("%s:%d: line: %w", file, p.Line, p.Err)
	}
	if long, ok := errors.AsType[*tooLong](err); ok {
		return fmt.Errorf("%s:%d: line: %w", file, long.line, err)
	}
	return fmt.Errorf("%s: %w", file, err)
}

// columns says where a row's fields are.
type columns struct {
	minute, failed, requests int
	attributes               []int
	names                    []string
}

func parseHeader(header []string) (columns, error) {
	c := columns{minute: -1, failed: -1, requests: -1}
	seen := make(map[string]bool, len(header))
	for i, name := range header {
		if i == 0 {
			name = strings.TrimPrefix(name, "\ufeff") // a byte order mark
		}
		if name == "" || seen[name] {
			return c, fmt.Errorf("column %d: the name %q is empty or occurs twice", i+1, name)
		}
		seen[name] = true
		switch name {
		case "min":
			c.minute = i
		case "value":
			c.failed = i
		case "cnt":
			c.requests = i
		default:
			c.attributes = append(c.attributes, i)
			c.names = append(c.names, strings.Clone(name))
		}
	}
	for name, i := range map[string]int{"min": c.minute, "value": c.failed, "cnt": c.requests} {
		if i < 0 {
			return c, fmt.Errorf("the column %q is missing", name)
		}
	}
	if len(c.names) == 0 || len(c.names) > maxAttributes {
		return c, fmt.Errorf("%d attributes; a table has 1 to %d", len(c.names), maxAttributes)
	}
	return c, nil
}

func parseMinute(s string) (int64, error) {
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("min: %q is not a time in Unix seconds", s)
	}
	return v, nil
}

func parseCount(name, s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || v < 0 || math.IsInf(v, 0) || math.IsNaN(v) || v > 1e15 {
		return 0, fmt.Errorf("%s: %q is not a count", name, s)
	}
	return v, nil
}

// lines fails when a line is too long, so that the CSV reader cannot be made to keep it all.
type lines struct {
	r      io.Reader
	n      int // the number of the line, from 1
	length int
}

// tooLong is the error of a line that is too long.
type tooLong struct{ line int }

func (*tooLong) Error() string { return "is longer than 64 KiB" }

func (l *lines) Read(b []byte) (int, error) {
	n, err := l.r.Read(b)
	for _, c := range b[:n] {
		if l.length++; c == '\n' {
			l.n++
			l.length = 0
		}
		if l.length > maxLine {
			return 0, &tooLong{l.n}
		}
	}
	return n, err
}
