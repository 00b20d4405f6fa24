package model

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Latency is how long requests took: how many, estimated, by bucket of a [report.Histogram].
// Latencies of different times, clients or targets may be merged in any order.
type Latency [report.HistogramBuckets]float64

// Add adds a histogram of which each request stands for weight requests.
func (l *Latency) Add(h report.Histogram, weight float64) {
	for _, b := range h {
		l[b.Index] += float64(b.Count) * weight
	}
}

// Merge adds o to l.
func (l *Latency) Merge(o *Latency) {
	for i, n := range o {
		l[i] += n
	}
}

// Requests returns the number of requests.
func (l *Latency) Requests() (n float64) {
	for _, in := range l {
		n += in
	}
	return n
}

// Slower returns how many requests took longer than d. In d's own bucket, durations count as spread
// evenly over the logarithms. Nothing is slower than the last bucket.
func (l *Latency) Slower(d time.Duration) (n float64) {
	own := report.HistogramIndex(d)
	for _, in := range l[own+1:] {
		n += in
	}
	if own == 0 || own == report.HistogramBuckets-1 {
		return n
	}
	// a bucket is an eighth of an octave
	return n + l[own]*8*math.Log2(float64(report.HistogramBound(own))/float64(d))
}

// Quantile returns the duration that a share q of the requests did not exceed, to within 4.4 %: the
// middle of its bucket. It is 0 without requests, at least a millisecond otherwise, and at most the
// last bound.
func (l *Latency) Quantile(q float64) time.Duration {
	left := q * l.Requests()
	last := -1
	for i, in := range l {
		if in <= 0 {
			continue
		}
		if last = i; left <= in {
			break
		}
		left -= in
	}
	switch {
	case last < 0:
		return 0
	case last == 0 || last == report.HistogramBuckets-1:
		return report.HistogramBound(uint8(last))
	}
	return time.Duration(float64(report.HistogramBound(uint8(last))) * math.Exp2(-1.0/16))
}

// Append appends the stored form of l, which Decode reads: for each bucket that is not empty its
// index and its requests as an IEEE 754 double.
func (l *Latency) Append(b []byte) []byte {
	for i, n := range l {
		if n > 0 {
			b = binary.BigEndian.AppendUint64(append(b, byte(i)), math.Float64bits(n))
		}
	}
	return b
}

var errLatency = errors.New("stored durations are damaged")

// Decode reads what Append wrote into l, which it replaces.
func (l *Latency) Decode(b []byte) error {
	*l = Latency{}
	const size = 1 + 8
	for ; len(b) > 0; b = b[size:] {
		if len(b) < size || int(b[0]) >= len(l) {
			return errLatency
		}
		n := math.Float64frombits(binary.BigEndian.Uint64(b[1:]))
		if !(n > 0) || math.IsInf(n, 0) || l[b[0]] != 0 {
			return errLatency
		}
		l[b[0]] = n
	}
	return nil
}

// Timed is how long the requests of a target took that succeeded and ended around a time.
type Timed struct {
	At        time.Time
	Target    string // origin
	Histogram report.Histogram
	Weight    float64 // requests that each stands for
}

// LatencyQuery selects steps of stored latencies, which begin at Since or later and before Until.
type LatencyQuery struct {
	Step  time.Duration // RollupMinute or RollupHour
	Since time.Time
	Until time.Time
}

// LatencyStep is the latency of a target's requests in one step.
type LatencyStep struct {
	At      time.Time // start of the step
	Target  string
	Latency Latency
}

// DurationWords returns a duration as people read it, with two digits: "1.8 s", "350 ms", "2 min".
func DurationWords(d time.Duration) string {
	switch {
	case d < time.Second-500*time.Microsecond:
		return strconv.FormatInt(d.Round(time.Millisecond).Milliseconds(), 10) + " ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(math.Round(d.Seconds()*10)/10, 'f', -1, 64) + " s"
	case d < 2*time.Minute:
		return strconv.FormatFloat(math.Round(d.Seconds()), 'f', 0, 64) + " s"
	default:
		return strconv.FormatFloat(math.Round(d.Minutes()), 'f', 0, 64) + " min"
	}
}
