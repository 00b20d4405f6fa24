package score

import (
	"math"
	"time"
)

// season is the usual daily cycle, by the hour.
type season struct {
	hours [24]mean
	all   mean
}

const (
	// weight of a bin in its hour's mean: ten bins, so the cycle follows within days
	hourly = 0.1
	// weight of a bin in the mean of all hours, which changes far more slowly
	overall = 0.0005
	// the most by which a value above a mean counts, so that a spike does not become part of the
	// cycle
	clip = 1.0
)

// add learns a value and returns by how much its hour is usually above the mean. It returns 0
// during the first day.
func (s *season) add(at time.Time, y float64, bin time.Duration) float64 {
	hour := &s.hours[at.Hour()]
	shift := 0.0
	if hour.n > 0 && s.all.n > int(day/bin) {
		shift = hour.value - s.all.value
	}
	hour.add(clipped(y, hour), hourly)
	s.all.add(clipped(y, &s.all), overall)
	return shift
}

func clipped(y float64, m *mean) float64 {
	if m.n == 0 {
		return y
	}
	return math.Min(y, m.value+clip)
}

// mean is an exponentially weighted mean. At first it is the plain mean.
type mean struct {
	n     int
	value float64
}

// add includes x with a weight and returns the mean.
func (m *mean) add(x, weight float64) float64 {
	m.n++
	m.value += max(weight, 1/float64(m.n)) * (x - m.value)
	return m.value
}
