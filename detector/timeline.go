package detector

import "time"

// timeline turns the time that is believed into the judge's and back. The judge's never goes back:
// when the clock is put back, it goes on, by so much that hours of the week stay what they are.
type timeline struct {
	Shifts []shift `json:"shifts,omitempty"` // the newest last
	lapse  int64   // seconds of the judge's that pass in one
}

// shift is by how much the judge's time is ahead, in milliseconds, from one of its moments on.
type shift struct {
	From  int64 `json:"from"`
	Ahead int64 `json:"ahead"`
}

const (
	week      = 7 * day
	maxShifts = 16 // that are remembered
)

// ahead is by how much the judge's time is ahead at one of its moments.
func (l *timeline) ahead(judged int64) (ms int64) {
	for _, s := range l.Shifts {
		if s.From <= judged {
			ms = s.Ahead
		}
	}
	return ms
}

// judges is the judge's time now for a time that is told now, in Unix milliseconds.
func (l *timeline) judges(ms int64) int64 {
	ms *= l.lapse
	if n := len(l.Shifts); n > 0 {
		ms += l.Shifts[n-1].Ahead
	}
	return ms
}

// real is the time that the judge's stands for.
func (l *timeline) real(judged int64) time.Time {
	return time.UnixMilli((judged - l.ahead(judged)) / l.lapse)
}

// putBack makes now the time at which the judge has reached judged, or a little later, though it
// was later before.
func (l *timeline) putBack(now time.Time, judged int64) {
	weeks := (judged - now.UnixMilli()*l.lapse + week.Milliseconds() - 1) / week.Milliseconds()
	if len(l.Shifts) >= maxShifts {
		l.Shifts = l.Shifts[1:]
	}
	l.Shifts = append(l.Shifts, shift{judged, max(weeks, 0) * week.Milliseconds()})
}
