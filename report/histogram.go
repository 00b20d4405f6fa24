package report

import (
	"math"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/report/cbor"
)

// HistogramBuckets is the number of buckets of a [Histogram], 0 to HistogramBuckets-1.
const HistogramBuckets = 161

// Histogram counts durations in buckets that are wider the longer the durations are: the bounds are
// 2^(i/8) ms, as those of an OpenTelemetry exponential histogram of scale 3 whose zero bucket
// reaches to 1 ms. A duration in the middle of its bucket is at most 4.4 % off. Adding the counts
// of two histograms gives exactly the histogram of all their durations.
//
// It has an element for each bucket that is not empty, sorted by Index.
type Histogram []HistogramBucket

// HistogramBucket is how many durations are above 2^((Index-1)/8) ms and at most 2^(Index/8) ms.
// Bucket 0 has all of at most 1 ms, and the last one all above 16 minutes.
type HistogramBucket struct {
	Index uint8  // below HistogramBuckets
	Count uint64 // 1 to MaxCount
}

// The bounds of the buckets within an octave, divided by its lower bound.
var histogramBounds = [8]float64{
	1.0905077326652577, 1.189207115002721, 1.2968395546510096, 1.4142135623730951,
	1.5422108254079407, 1.681792830507429, 1.8340080864093424, 2,
}

// HistogramIndex returns the index of the bucket that counts d. Negative durations are in bucket 0.
func HistogramIndex(d time.Duration) uint8 {
	if d <= time.Millisecond {
		return 0
	}
	const fractionBits, bias = 52, 1023
	bits := math.Float64bits(float64(d) / float64(time.Millisecond))
	index := 8 * (int(bits>>fractionBits) - bias)
	fraction := bits & (1<<fractionBits - 1)
	if fraction == 0 {
		return uint8(min(index, HistogramBuckets-1)) // a power of two is the bound of its bucket
	}
	// each eighth of an octave, but for the last, has one bound in it
	eighth := int(fraction >> (fractionBits - 3))
	index += eighth + 1
	if math.Float64frombits(bias<<fractionBits|fraction) > histogramBounds[eighth] {
		index++
	}
	return uint8(min(index, HistogramBuckets-1))
}

// HistogramBound returns the upper bound of a bucket. That of the last bucket, which has none, is
// the bound that it would have, 17.5 minutes.
func HistogramBound(index uint8) time.Duration {
	octave := time.Millisecond << (index / 8)
	if index%8 == 0 {
		return octave
	}
	return time.Duration(float64(octave) * histogramBounds[index%8-1])
}

// Total returns the number of durations in h.
func (h Histogram) Total() (n uint64) {
	for _, b := range h {
		n += b.Count
	}
	return n
}

// Plus returns the histogram of the durations of h and o. Counts above MaxCount are cut to it.
func (h Histogram) Plus(o Histogram) Histogram {
	sum := make(Histogram, 0, max(len(h), len(o)))
	for len(h) > 0 && len(o) > 0 {
		switch a, b := h[0], o[0]; {
		case a.Index < b.Index:
			sum, h = append(sum, a), h[1:]
		case a.Index > b.Index:
			sum, o = append(sum, b), o[1:]
		default:
			sum = append(sum, HistogramBucket{Index: a.Index, Count: min(a.Count+b.Count, MaxCount)})
			h, o = h[1:], o[1:]
		}
	}
	return append(append(sum, h...), o...)
}

// append appends h as an array of integers. One above 0 is the count of the next bucket, one below
// 0 is how many empty buckets are passed over.
func (h Histogram) append(dst []byte) []byte {
	n, next := len(h), 0
	for _, b := range h {
		if int(b.Index) > next {
			n++
		}
		next = int(b.Index) + 1
	}
	dst, next = cbor.AppendArray(dst, n), 0
	for _, b := range h {
		if empty := int(b.Index) - next; empty > 0 {
			dst = cbor.AppendInt(dst, -int64(empty))
		}
		dst = cbor.AppendUint(dst, b.Count)
		next = int(b.Index) + 1
	}
	return dst
}

func decodeHistogram(d *cbor.Decoder) Histogram {
	n := d.Array(HistogramBuckets)
	h := make(Histogram, 0, n)
	next, passed := 0, false
	for range n {
		v := d.Int()
		switch {
		case v > 0 && next < HistogramBuckets:
			h = append(h, HistogramBucket{Index: uint8(next), Count: uint64(v)})
			next, passed = next+1, false
		case v < 0 && v > -HistogramBuckets && !passed:
			next, passed = next-int(v), true
		default:
			d.Fail("want counts of buckets, and numbers of empty ones between them")
			return nil
		}
	}
	if passed {
		d.Fail("empty buckets at the end")
	}
	if len(h) == 0 {
		return nil
	}
	return h
}

// fault says what breaks h's rules, or "".
func (h Histogram) fault() string {
	next := 0
	for i, b := range h {
		switch {
		case int(b.Index) < next:
			return "bucket " + strconv.Itoa(i) + ": not sorted, or there twice"
		case b.Index >= HistogramBuckets:
			return "bucket " + strconv.Itoa(i) + ": index is not below HistogramBuckets"
		case b.Count == 0 || b.Count > MaxCount:
			return "bucket " + strconv.Itoa(i) + ": count is zero or above MaxCount"
		}
		next = int(b.Index) + 1
	}
	return ""
}
