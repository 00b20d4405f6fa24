package alerts

import (
	"fmt"
	"strings"
	"time"
)

// Quiet is a span of time that recurs every day. Make one with [ParseQuiet].
type Quiet struct {
	from, to time.Duration // since midnight
	zone     *time.Location
}

// ParseQuiet parses a span such as "22:00-07:00" or "22:00-07:00 Europe/Oslo". Without a time zone,
// the span is in UTC. It may cross midnight.
func ParseQuiet(text string) (*Quiet, error) {
	span, zone, _ := strings.Cut(text, " ")
	from, to, _ := strings.Cut(span, "-")
	q := new(Quiet)
	var err error
	if q.zone, err = time.LoadLocation(zone); err != nil || zone == "Local" {
		return nil, fmt.Errorf("%q is not the name of a time zone", zone)
	}
	start, startErr := time.Parse("15:04", from)
	end, endErr := time.Parse("15:04", to)
	if startErr != nil || endErr != nil {
		return nil, fmt.Errorf("%q is not a span such as 22:00-07:00", span)
	}
	q.from, q.to = sinceMidnight(start), sinceMidnight(end)
	if q.from == q.to {
		return nil, fmt.Errorf("%q is empty: it ends when it begins", span)
	}
	return q, nil
}

// Covers reports whether t is in the span, which does not include its end. A nil Quiet
// covers nothing.
func (q *Quiet) Covers(t time.Time) bool {
	if q == nil {
		return false
	}
	at := sinceMidnight(t.In(q.zone))
	if q.from < q.to {
		return q.from <= at && at < q.to
	}
	return q.from <= at || at < q.to
}

func sinceMidnight(t time.Time) time.Duration {
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
}
