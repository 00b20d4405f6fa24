package score

import (
	"math"
	"slices"
)

// maxHistory bounds the values of a history, whatever the width of a bin.
const maxHistory = 16384

// history holds the latest values, in order of arrival and sorted.
type history struct {
	sorted []float64
	ring   []float64
	next   int // index in ring of the oldest value, once the ring is full
}

func newHistory(n int) *history {
	return &history{sorted: make([]float64, 0, n), ring: make([]float64, 0, n)}
}

func (h *history) add(y float64) {
	if len(h.ring) == cap(h.ring) {
		i, _ := slices.BinarySearch(h.sorted, h.ring[h.next])
		h.sorted = slices.Delete(h.sorted, i, i+1)
		h.ring[h.next] = y
		h.next = (h.next + 1) % len(h.ring)
	} else {
		h.ring = append(h.ring, y)
	}
	i, _ := slices.BinarySearch(h.sorted, y)
	h.sorted = slices.Insert(h.sorted, i, y)
}

// deviation returns how far y is from the median, in units of the distance that a tenth of the
// values exceed on that side (1.28 standard deviations of a normal distribution). It is never
// negative.
func (h *history) deviation(y float64) float64 {
	n := len(h.sorted)
	if n < warmUp {
		return 0
	}
	const sigmas = 1.2816
	median := h.sorted[n/2]
	if y < median {
		return downward * (median - y) / ((median-h.sorted[n/10])/sigmas + floor)
	}
	spread := (h.sorted[n*9/10]-median)/sigmas + floor
	// chance makes counts vary: the variance of log(1+x) of a Poisson variable is about 1/(1+mean)
	chance := 1 / math.Exp(max(median, 0))
	return (y - median) / math.Sqrt(spread*spread+chance)
}
