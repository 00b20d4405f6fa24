package detector

import "time"

// timeline converts the detector's time to the judge's and back. The judge's time never goes back.
// If the clock is set back, the judge's time continues, ahead by an amount that keeps the hours of
// the week the same.
type timeline struct {
	Shifts []shift `json:"shifts,omitempty"` // the newest last
	lapse  int64   // seconds of the judge's time that pass in one second
}

// shift is how far the judge's time is ahead, in milliseconds, from one of its moments on.
type shift struct {
	From  int64 `json:"from"`
	Ahead int64 `json:"ahead"`
}

const (
	week      = 7 * day
	maxShifts = 16 // most shifts that are remembered
)

// ahead returns how far the judge's time is ahead at one of its moments.
func (l *timeline) ahead(judged int64) (ms int64) {
	for _, s := range l.Shifts {
		if s.From <= judged {
			ms = s.Ahead
		}
	}
	return ms
}

// judges returns the judge's time for a time in Unix milliseconds.
func (l *timeline) judges(ms int64) int64 {
	ms *= l.lapse
	if n := len(l.Shifts); n > 0 {
		ms += l.Shifts[n-1].Ahead
	}
	return ms
}

// real returns the time for one of the judge's.
func (l *timeline) real(judged int64) time.Time {
	return time.UnixMilli((judged - l.ahead(judged)) / l.lapse)
}

// putBack makes now the time for judged, or one shortly after it, although the time for judged was
// later before.
func (l *timeline) putBack(now time.Time, judged int64) {
	weeks := (judged - now.UnixMilli()*l.lapse + week.Milliseconds() - 1) / week.Milliseconds()
	if len(l.Shifts) >= maxShifts {
		l.Shifts = l.Shifts[1:]
	}
	l.Shifts = append(l.Shifts, shift{judged, max(weeks, 0) * week.Milliseconds()})
}
