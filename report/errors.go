package report

import "errors"

// ErrMalformed is what every decoder of this package returns, wrapped, for bytes that are not a
// canonical encoding within the limits, and every encoder for a value that has none.
var ErrMalformed = errors.New("malformed")

// ErrUnknownRecord says that a record is canonical CBOR but of a kind that this build does not
// know; the reader skips it and counts it.
var ErrUnknownRecord = errors.New("unknown record kind")

// ErrTooLarge is what AppendRecord returns, wrapped, for a valid record that takes more than
// MaxRecord bytes, a window of more than MaxCounters counters, and probe results of more than
// MaxProbeTargets or MaxProbeResults: the caller may divide it.
var ErrTooLarge = errors.New("too large")

// Error says what was refused and why. It wraps ErrMalformed or ErrTooLarge, and quotes nothing of
// the value that it refuses, so that it may be logged.
type Error struct {
	// "header", "window", "sample", "application error", "deletion notice", "probe results",
	// "record", "delivery", "envelope" or "batch id"
	What     string
	Reason   string // why, in lower case
	sentinel error
}

// Error implements error.
func (e *Error) Error() string { return e.sentinel.Error() + " " + e.What + ": " + e.Reason }

// Unwrap returns ErrMalformed or ErrTooLarge.
func (e *Error) Unwrap() error { return e.sentinel }

func malformed(what, reason string) error {
	return &Error{What: what, Reason: reason, sentinel: ErrMalformed}
}

func tooLarge(what, reason string) error {
	return &Error{What: what, Reason: reason, sentinel: ErrTooLarge}
}
