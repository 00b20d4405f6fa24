package judgement

const (
	weekHours    = 168
	seasonGain   = 0.3 // of a new week in what is known of an hour
	seasonLeast  = 30  // expected failures of an hour that teaches anything
	seasonBounds = 2.0 // most by which an hour differs from the others
)

// season is by how much the failure rate of a population differs in each hour of the week (UTC).
// Only all failures of everyone are numerous enough to tell.
type season struct {
	factor [weekHours]float64 // 0: not known
	now    float64            // of the present hour
	hour   int64              // since 1970
	x, e   float64            // of the present hour so far
}

// at sets the time. The hour that ends is learned.
func (s *season) at(hour int64) {
	if hour == s.hour && s.now != 0 {
		return
	}
	if s.e >= seasonLeast {
		i := s.hour % weekHours
		old := max(s.factor[i], 0)
		if old == 0 {
			old = 1
		}
		s.factor[i] = old + seasonGain*(min(max(s.x/s.e, 1/seasonBounds), seasonBounds)-old)
	}
	s.hour, s.x, s.e = hour, 0, 0
	if s.now = s.factor[hour%weekHours]; s.now == 0 {
		s.now = 1
	}
}

// add takes the failures of a bin and how many are expected without regard to the season.
func (s *season) add(x, e float64) { s.x += x; s.e += e / s.now }
