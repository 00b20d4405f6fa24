package report

import "errors"

// ErrMalformed is returned, wrapped, by every decoder of this package for bytes that are not a
// canonical encoding within the limits, and by every encoder for a value that has no such encoding.
var ErrMalformed = errors.New("malformed")

// ErrUnknownRecord is returned by [DecodeRecord] for a record that is canonical CBOR but of a kind
// that this version does not know. A reader should skip and count it.
var ErrUnknownRecord = errors.New("unknown record kind")

// ErrTooLarge is returned, wrapped, by [AppendRecord] for a valid record that takes more than
// [MaxRecord] bytes, a window of more than [MaxCounters] counters, or probe results of more than
// [MaxProbeTargets] targets or [MaxProbeResults] results. The caller may split such a record.
var ErrTooLarge = errors.New("too large")

// Error describes what was refused and why. It wraps [ErrMalformed] or [ErrTooLarge]. It contains
// no part of the refused value, so it may be logged.
type Error struct {
	// "header", "window", "sample", "application error", "deletion notice", "probe results",
	// "record", "delivery", "envelope" or "batch id"
	What     string
	Reason   string // why, in lower case
	sentinel error
}

// Error implements error.
func (e *Error) Error() string { return e.sentinel.Error() + " " + e.What + ": " + e.Reason }

// Unwrap returns [ErrMalformed] or [ErrTooLarge].
func (e *Error) Unwrap() error { return e.sentinel }

func malformed(what, reason string) error {
	return &Error{What: what, Reason: reason, sentinel: ErrMalformed}
}

func tooLarge(what, reason string) error {
	return &Error{What: what, Reason: reason, sentinel: ErrTooLarge}
}
