package detection

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/detector/score"
)

// Scored is how well the series of the Numenta Anomaly Benchmark (NAB) are scored, in its standard
// profile: 0 is a detector that never alarms, 100 one that finds every window at once and is never
// wrong.
type Scored struct {
	Threshold float64 // of the score, the best for all series together
	All       float64
	Groups    []GroupScore // sorted by name
	PerRow    time.Duration
}

// GroupScore is the result for one group of series.
type GroupScore struct {
	Name      string
	Windows   int
	Score     float64 // with the threshold for all series
	Best      float64 // with the threshold that is best for the group
	Threshold float64 // that one
}

// nabSeries is one file with its windows.
type nabSeries struct {
	group   string
	scores  []float64
	windows [][2]int // first and last row
	skip    int      // rows that are not counted
}

// NAB scores every series below dir, as heliograph replay does.
func NAB(dir string) (*Scored, error) {
	series, perRow, err := readNAB(dir)
	if err != nil {
		return nil, err
	}
	r := &Scored{PerRow: perRow}
	r.Threshold, r.All = bestThreshold(series)
	groups := map[string][]*nabSeries{}
	for _, s := range series {
		groups[s.group] = append(groups[s.group], s)
	}
	for name, group := range groups {
		g := GroupScore{Name: name, Score: normalised(group, r.Threshold)}
		for _, s := range group {
			g.Windows += len(s.windows)
		}
		if g.Windows == 0 {
			continue // there is nothing to find
		}
		g.Threshold, g.Best = bestThreshold(group)
		r.Groups = append(r.Groups, g)
	}
	slices.SortFunc(r.Groups, func(a, b GroupScore) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return r, nil
}

func readNAB(dir string) (all []*nabSeries, perRow time.Duration, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "labels", "combined_windows.json"))
	if err != nil {
		return nil, 0, err
	}
	var windows map[string][][2]string
	if err := json.Unmarshal(text, &windows); err != nil {
		return nil, 0, fmt.Errorf("reading the windows: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "data", "*", "*.csv"))
	if err != nil || len(files) == 0 {
		return nil, 0, fmt.Errorf("no series below %s: %w", dir, os.ErrNotExist)
	}
	rows := 0
	for _, file := range files {
		group := filepath.Base(filepath.Dir(file))
		s, took, err := readSeries(file, windows[group+"/"+filepath.Base(file)])
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", file, err)
		}
		s.group = group
		all = append(all, s)
		perRow += took
		rows += len(s.scores)
	}
	return all, perRow / time.Duration(max(rows, 1)), nil
}

func readSeries(file string, windows [][2]string) (*nabSeries, time.Duration, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil || len(records) < 2 {
		return nil, 0, fmt.Errorf("%d rows: %w", len(records), err)
	}
	records = records[1:]
	times, values := make([]time.Time, len(records)), make([]float64, len(records))
	for i, r := range records {
		if times[i], err = time.Parse(time.DateTime, r[0]); err != nil {
			return nil, 0, err
		}
		if values[i], err = strconv.ParseFloat(r[1], 64); err != nil {
			return nil, 0, err
		}
	}
	scorer, err := score.New(5 * time.Minute)
	if err != nil {
		return nil, 0, err
	}
	s := &nabSeries{scores: make([]float64, len(values)), skip: min(len(values)*15/100, 750)}
	start := time.Now()
	for i, v := range values {
		s.scores[i] = scorer.Add(times[i], v, 0)
	}
	took := time.Since(start)
	for _, w := range windows {
		from, err1 := time.Parse("2006-01-02 15:04:05.000000", w[0])
		to, err2 := time.Parse("2006-01-02 15:04:05.000000", w[1])
		if err1 != nil || err2 != nil {
			return nil, 0, fmt.Errorf("the window %q is none", w)
		}
		first := slices.IndexFunc(times, func(t time.Time) bool { return !t.Before(from) })
		last := slices.IndexFunc(times, func(t time.Time) bool { return t.After(to) }) - 1
		if last < 0 {
			last = len(times) - 1
		}
		s.windows = append(s.windows, [2]int{first, last})
	}
	return s, took, nil
}

// raw is NAB's raw score of a series: for each window the weight of its first detection, less one
// for each that has none, less 0.11 or a part of it for each detection outside.
func (s *nabSeries) raw(threshold float64) float64 {
	total, next := 0.0, 0
	found := make([]bool, len(s.windows))
	for i := s.skip; i < len(s.scores); i++ {
		for next < len(s.windows) && i > s.windows[next][1] {
			next++
		}
		switch {
		case s.scores[i] < threshold:
		case next < len(s.windows) && i >= s.windows[next][0]:
			if w := s.windows[next]; !found[next] {
				found[next] = true
				total += sigmoid(-float64(w[1]-i+1)/float64(w[1]-w[0]+1)) / 0.98661
			}
		default:
			y := math.Inf(1)
			if next > 0 {
				w := s.windows[next-1]
				y = float64(i-w[1]) / float64(w[1]-w[0])
			}
			if y > 3 {
				total -= 0.11
			} else {
				total += 0.11 * sigmoid(y)
			}
		}
	}
	for _, f := range found {
		if !f {
			total--
		}
	}
	return total
}

// sigmoid is NAB's weight of a detection at y: 1 well before the end of a window, 0
// there, -1 after.
func sigmoid(y float64) float64 { return 2/(1+math.Exp(5*y)) - 1 }

func normalised(series []*nabSeries, threshold float64) float64 {
	raw, windows := 0.0, 0
	for _, s := range series {
		raw += s.raw(threshold)
		windows += len(s.windows)
	}
	return 100 * (raw + float64(windows)) / float64(2*windows)
}

// bestThreshold tries the scores that one row in thirty to one in thirty thousand reach.
func bestThreshold(series []*nabSeries) (threshold, best float64) {
	var all []float64
	for _, s := range series {
		all = append(all, s.scores...)
	}
	slices.Sort(all)
	best = math.Inf(-1)
	const steps = 400
	for k := range steps {
		above := math.Pow(10, -1.5-3*float64(k)/steps)
		t := all[int((1-above)*float64(len(all)-1))]
		if x := normalised(series, t); x > best {
			threshold, best = t, x
		}
	}
	return threshold, best
}
