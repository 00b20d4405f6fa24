package feed

import (
	"errors"
	"net/url"
	"strconv"
	"time"
)

// Limits of a request for a feed.
const (
	MaxLimit     = 1000             // batches in one answer; there are fewer when they are large
	MaxWait      = 30 * time.Second // how long a request may wait for new batches
	defaultLimit = 256
)

// Query is the query of a request for a feed.
type Query struct {
	// position of the last batch that the reader has stored; acknowledges all batches up to it
	After uint64
	Limit int           // most batches to return, 1 to MaxLimit; 256 if absent
	Wait  time.Duration // how long to wait if there are no batches, 0 to MaxWait
}

// String returns the query in the form that follows the question mark in a URL.
func (q Query) String() string {
	return "after=" + strconv.FormatUint(q.After, 10) + "&limit=" + strconv.Itoa(q.Limit) + "&wait=" + q.Wait.String()
}

// ParseQuery is the inverse of [Query.String]. Parameters may be absent. A longer wait is reduced
// to [MaxWait]. The error names the parameter at fault.
func ParseQuery(raw string) (Query, error) {
	q := Query{Limit: defaultLimit}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, errors.New("malformed query")
	}
	if s := values.Get("after"); s != "" {
		if q.After, err = strconv.ParseUint(s, 10, 63); err != nil {
			return q, errors.New("after: want a sequence number")
		}
	}
	if s := values.Get("limit"); s != "" {
		if q.Limit, err = strconv.Atoi(s); err != nil || q.Limit < 1 || q.Limit > MaxLimit {
			return q, errors.New("limit: want a number from 1 to " + strconv.Itoa(MaxLimit))
		}
	}
	if s := values.Get("wait"); s != "" {
		if q.Wait, err = time.ParseDuration(s); err != nil || q.Wait < 0 {
			return q, errors.New(`wait: want a duration such as "20s"`)
		}
		q.Wait = min(q.Wait, MaxWait)
	}
	return q, nil
}
