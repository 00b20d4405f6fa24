package api

import (
	"strconv"
	"strings"
	"time"
)

// ParseSpan reads a span as parameters have it: what [time.ParseDuration] takes, or whole days such
// as "7d".
func ParseSpan(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(s)
}

// FormatSpan writes a span so that [ParseSpan] reads it.
func FormatSpan(d time.Duration) string {
	if d > 0 && d%(24*time.Hour) == 0 {
		return strconv.Itoa(int(d/(24*time.Hour))) + "d"
	}
	return d.String()
}
