package api

import (
	"strconv"
	"strings"
	"time"
)

// ParseSpan parses a span of time as in parameters: a duration as in [time.ParseDuration], or whole
// days such as "7d".
func ParseSpan(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(s)
}

// FormatSpan is the inverse of [ParseSpan].
func FormatSpan(d time.Duration) string {
	if d > 0 && d%(24*time.Hour) == 0 {
		return strconv.Itoa(int(d/(24*time.Hour))) + "d"
	}
	return d.String()
}
