package privacy

import (
	"errors"

	"github.com/heliograph-net/heliograph/report"
)

// Reasons for which this package refuses bytes; callers tell them apart with errors.Is. No error quotes what it refuses, so each may be
// logged.
var (
	ErrMalformed  = report.ErrMalformed                                      // not in the format, or not its canonical form
	ErrTruncated  = errors.New("truncated")                                  // the bytes end before the document does
	ErrTooLarge   = errors.New("too large")                                  // beyond MaxSegment, report.MaxRecord, MaxReceipt or MaxPolicy
	ErrVersion    = errors.New("unsupported version")                        // the right kind of document, of a version this build cannot read
	ErrUnknownKey = errors.New("sealed to a key that is not in the keyring") // see Keyring.Open
	ErrOpen       = errors.New("does not open")                              // altered, reordered, or not sealed to the key that it names
)

// fault is an error that wraps a sentinel and says what was wrong.
type fault struct {
	sentinel error
	detail   string
}

func (f *fault) Error() string { return f.sentinel.Error() + ": " + f.detail }
func (f *fault) Unwrap() error { return f.sentinel }

func because(sentinel error, detail string) error { return &fault{sentinel: sentinel, detail: detail} }
