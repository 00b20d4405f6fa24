package detection

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/heliograph-net/heliograph/detector/localise/rs"
	"github.com/heliograph-net/heliograph/tests/bench/measure"
)

// Localisation is how well the labelled cases of failing video sessions are explained.
type Localisation struct {
	Cases   int
	Top     [5]int        // cases whose cause is among the first 1, 2, … 5 explanations
	Longest time.Duration // CPU time of one case, without reading its file
	Total   time.Duration // the same of all cases
	Missed  []string      // cases whose cause is not the first explanation, with its rank, 0 for none
}

// Share returns the share of the cases whose cause is among the first n explanations.
func (l *Localisation) Share(n int) float64 { return float64(l.Top[n-1]) / float64(max(l.Cases, 1)) }

// rsCase is an entry of anomaly.yaml.
type rsCase struct {
	Data      string `yaml:"data"`
	Timestamp int64  `yaml:"timestamp"`
	Cause     causes `yaml:"cause"`
}

// causes is one combination of values, or a list of them.
type causes []map[string]string

// UnmarshalYAML decodes both forms. A case with several causes is found when one of them is.
func (c *causes) UnmarshalYAML(raw []byte) error {
	var list []map[string]any
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("-")) {
		if err := yaml.Unmarshal(raw, &list); err != nil {
			return err
		}
	} else {
		list = make([]map[string]any, 1)
		if err := yaml.Unmarshal(raw, &list[0]); err != nil {
			return err
		}
	}
	for _, m := range list {
		one := make(map[string]string, len(m))
		for k, v := range m {
			one[k] = fmt.Sprint(v)
		}
		*c = append(*c, one)
	}
	return nil
}

// RS explains every case in dir, which holds anomaly.yaml and a CSV file for each case.
func RS(dir string) (l Localisation, err error) {
	raw, err := os.ReadFile(filepath.Join(dir, "anomaly.yaml"))
	if err != nil {
		return l, err
	}
	var cases []rsCase
	if err := yaml.Unmarshal(raw, &cases); err != nil {
		return l, fmt.Errorf("anomaly.yaml: %w", err)
	}
	for i := range cases {
		if err := l.add(dir, &cases[i]); err != nil {
			return l, fmt.Errorf("%s: %w", cases[i].Data, err)
		}
	}
	return l, nil
}

func (l *Localisation) add(dir string, c *rsCase) error {
	file, err := os.ReadFile(filepath.Join(dir, c.Data+".csv"))
	if err != nil {
		return err
	}
	var out, many bytes.Buffer
	once, err := timed(file, []int64{c.Timestamp}, &out)
	if err != nil {
		return err
	}
	more, err := timed(file, slices.Repeat([]int64{c.Timestamp}, 1+repeats), &many)
	if err != nil {
		return err
	}
	took := max(more-once, 0) / repeats
	rank, err := c.rank(&out)
	if err != nil {
		return err
	}
	l.Cases++
	l.Total += took
	l.Longest = max(l.Longest, took)
	if rank != 1 {
		l.Missed = append(l.Missed, c.Data+" "+strconv.Itoa(rank))
	}
	for i := range l.Top {
		if rank > 0 && rank <= i+1 {
			l.Top[i]++
		}
	}
	return nil
}

// repeats is how often a case is explained again to measure how long it takes.
const repeats = 20

// timed returns the CPU time of reading a file and explaining some of its minutes.
func timed(file []byte, at []int64, w io.Writer) (time.Duration, error) {
	began := measure.CPU()
	err := rs.Run(w, bytes.NewReader(file), rs.Options{File: "case", At: at, Top: 5})
	return measure.CPU() - began, err
}

// rank returns the rank of the first explanation that is a cause, 0 if none is.
func (c *rsCase) rank(out io.Reader) (int, error) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var l struct {
			Rank  int               `json:"rank"`
			Scope map[string]string `json:"scope"`
		}
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return 0, err
		}
		for _, cause := range c.Cause {
			if maps.Equal(l.Scope, cause) {
				return l.Rank, nil
			}
		}
	}
	return 0, nil
}
