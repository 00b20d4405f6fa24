package score

import (
	"math"
	"time"
)

// season is the usual course of a day, by the hour.
type season struct {
	hours [24]mean
	all   mean
}

const (
	// weight of a bin in its hour's mean: ten bins, so the shape follows within days
	hourly = 0.1
	// and in the mean of all, by far slower
	overall = 0.0005
	// one value moves a mean by no more than if it lay this far above, so that a spike is no season
	clip = 1.0
)

// add learns a value and returns by how much its hour is usually above the mean. In the first day
// it returns 0.
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

// mean is an exponentially weighted mean, the plain mean at first.
type mean struct {
	n     int
	value float64
}

// add weighs x in and returns the mean.
func (m *mean) add(x, weight float64) float64 {
	m.n++
	m.value += max(weight, 1/float64(m.n)) * (x - m.value)
	return m.value
}
