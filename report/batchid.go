package report

import (
	"errors"
	"io"
	"math"
	"time"
)

// NewBatchID returns a new id for a batch that is created at now, with 12 bytes read from rand. Its
// error wraps that of rand. It also fails if now does not fit into 32 bits of minutes since 1970.
func NewBatchID(now time.Time, rand io.Reader) (BatchID, error) {
	seconds := now.Unix()
	if seconds < 0 || seconds/60 > math.MaxUint32 {
		return BatchID{}, errors.New("new batch id: the time is before 1970 or after 10136; set the clock")
	}
	m := uint32(seconds / 60)
	id := BatchID{byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)}
	if _, err := io.ReadFull(rand, id[4:]); err != nil {
		return BatchID{}, &randError{err}
	}
	return id, nil
}

type randError struct{ err error }

func (e *randError) Error() string { return "new batch id: read random bytes: " + e.err.Error() }
func (e *randError) Unwrap() error { return e.err }

const hexDigits = "0123456789abcdef"

// String returns 32 lower-case hex digits.
func (id BatchID) String() string {
	// encoding/hex would link fmt.
	var s [2 * len(id)]byte
	for i, c := range id {
		s[2*i], s[2*i+1] = hexDigits[c>>4], hexDigits[c&15]
	}
	return string(s[:])
}

// ParseBatchID is the inverse of [BatchID.String]. It accepts no other spelling, so every batch has
// exactly one name. Its error wraps [ErrMalformed].
func ParseBatchID(s string) (BatchID, error) {
	var id BatchID
	if len(s) != 2*len(id) {
		return BatchID{}, malformed("batch id", "want 32 hex digits")
	}
	for i := range id {
		high, ok1 := hexValue(s[2*i])
		low, ok2 := hexValue(s[2*i+1])
		if !ok1 || !ok2 {
			return BatchID{}, malformed("batch id", "want lower-case hex digits")
		}
		id[i] = high<<4 | low
	}
	return id, nil
}

func hexValue(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	default:
		return 0, false
	}
}
