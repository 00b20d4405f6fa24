// Package maintenance says when failures of targets are expected, so that nobody is woken by them.
//
// A [Window] names targets by patterns, and a time: once, from a start on, or every week, in a time
// zone. [Window.Covers] and [Window.Open] tell whether it is about a target and about a moment.
package maintenance

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// MaxDuration is the longest duration of a window that repeats every week.
const MaxDuration = 7 * 24 * time.Hour

// Place is a target: its name, and where it stands.
type Place struct{ Name, Region, DataCentre, Cluster, Row string }

// Window is a time of maintenance. Either Start is set, or Weekdays and At are.
type Window struct {
	// Targets has patterns, each of which the field of the same name must match. In a pattern, *
	// stands for any characters and ? for one. Empty: the field does not matter. At least one
	// pattern must be given.
	Targets Place

	Duration time.Duration // required

	Start time.Time // of a window that opens once

	// Weekdays are the days on which a window opens that repeats every week.
	Weekdays []time.Weekday
	// At is the time of day at which it opens, from 0 to 24 hours, by the clock of Zone. A time
	// that a change of that clock leaves out is the one an hour later, and one that there is twice
	// is one of the two.
	At time.Duration
	// Zone is the time zone of Weekdays and At. nil: UTC.
	Zone *time.Location

	patterns [5]*regexp.Regexp
}

// Compile checks w and prepares it for use. The error names all faults.
func (w *Window) Compile() error {
	var faults []error
	given := false
	for i, pattern := range w.Targets.fields() {
		if w.patterns[i] = nil; pattern != "" {
			given = true
			w.patterns[i] = glob(pattern)
		}
	}
	if !given {
		faults = append(faults, errors.New("targets: missing; write \"*\" for all"))
	}
	if w.Duration <= 0 {
		faults = append(faults, errors.New("duration: must be positive"))
	}
	switch weekly := len(w.Weekdays) > 0; {
	case weekly && !w.Start.IsZero():
		faults = append(faults, errors.New("start: give either this or weekly, not both"))
	case !weekly && w.Start.IsZero():
		faults = append(faults, errors.New("start: missing; give this, or weekly and at"))
	case weekly && w.Duration > MaxDuration:
		faults = append(faults, fmt.Errorf("duration: at most %v for a window that repeats every week", MaxDuration))
	}
	if w.At < 0 || w.At >= 24*time.Hour {
		faults = append(faults, errors.New("at: want a time of day"))
	}
	return errors.Join(faults...)
}

func (p *Place) fields() [5]string {
	return [5]string{p.Name, p.Region, p.DataCentre, p.Cluster, p.Row}
}

func glob(pattern string) *regexp.Regexp {
	text := regexp.QuoteMeta(pattern)
	text = strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(text)
	return regexp.MustCompile("(?s)^" + text + "$") // what is quoted is always valid
}

// Covers reports whether w, which must be compiled, is about a target.
func (w *Window) Covers(p Place) bool {
	for i, field := range p.fields() {
		if r := w.patterns[i]; r != nil && !r.MatchString(field) {
			return false
		}
	}
	return true
}

// Open reports whether w is open at a moment.
func (w *Window) Open(at time.Time) bool {
	if !w.Start.IsZero() {
		return within(w.Start, w.Duration, at)
	}
	zone := w.Zone
	if zone == nil {
		zone = time.UTC
	}
	local := at.In(zone)
	// The window that opened last is at most as many days old as a window can last.
	for back := 0; back <= int(MaxDuration/(24*time.Hour)); back++ {
		opens := time.Date(local.Year(), local.Month(), local.Day()-back, 0, 0, int(w.At/time.Second), 0, zone)
		if w.on(opens.Weekday()) && within(opens, w.Duration, at) {
			return true
		}
	}
	return false
}

func (w *Window) on(day time.Weekday) bool {
	return slices.Contains(w.Weekdays, day)
}

func within(start time.Time, d time.Duration, at time.Time) bool {
	return !at.Before(start) && at.Before(start.Add(d))
}
