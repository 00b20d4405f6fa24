package privacy

import (
	"errors"

	"github.com/heliograph-net/heliograph/report"
)

// Reasons for which the packages below this one refuse bytes; callers tell them apart with
// [errors.Is]. No error quotes what it refuses, so each may be logged.
var (
	ErrMalformed = report.ErrMalformed               // not in the format, or not its canonical form
	ErrTruncated = errors.New("truncated")           // the bytes end before the document does
	ErrTooLarge  = errors.New("too large")           // beyond the format's limit
	ErrVersion   = errors.New("unsupported version") // a version that this build cannot read
)
