package privacy

import (
	"errors"

	"github.com/heliograph-net/heliograph/report"
)

// Errors of the decoders in the packages below this one, to be tested with [errors.Is]. No error
// contains a part of the refused bytes, so errors may be logged.
var (
	ErrMalformed = report.ErrMalformed               // not in the format, or not its canonical form
	ErrTruncated = errors.New("truncated")           // the bytes end before the document does
	ErrTooLarge  = errors.New("too large")           // beyond the format's limit
	ErrVersion   = errors.New("unsupported version") // a version that this program cannot read
)
