package score

import "sort"

// returns determines how long ago a series was last as high as now. It keeps only the values that
// no later value exceeds. They fall over time.
type returns struct {
	most  int // bins to look back
	now   int // bins so far
	peaks []peak
}

type peak struct {
	at    int
	value float64
}

// add returns how many bins ago the value was last reached or nearly so, at most r.most. If it
// never was, add returns the number of bins since the beginning plus before.
func (r *returns) add(value float64, before int) int {
	bins := r.now + before
	if lower := sort.Search(len(r.peaks), func(i int) bool { return r.peaks[i].value < alike*value }); lower > 0 {
		bins = r.now - r.peaks[lower-1].at
	}
	for len(r.peaks) > 0 && r.peaks[len(r.peaks)-1].value < value {
		r.peaks = r.peaks[:len(r.peaks)-1]
	}
	r.peaks = append(r.peaks, peak{r.now, value})
	if r.peaks[0].at < r.now-r.most { // too long ago to matter
		r.peaks = append(r.peaks[:0], r.peaks[1:]...)
	}
	r.now++
	return max(min(bins, r.most), 1)
}
