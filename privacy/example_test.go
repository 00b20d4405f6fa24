package privacy_test

import (
	"errors"
	"fmt"

	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/privacy/seal"
)

// The decoders of all packages below this one say in the same way what is wrong.
func Example() {
	_, err := seal.ParseSegment([]byte("no segment"))
	fmt.Println(errors.Is(err, privacy.ErrMalformed), errors.Is(err, privacy.ErrVersion))
	_, err = seal.ParseSegment(nil)
	fmt.Println(errors.Is(err, privacy.ErrTruncated))
	// Output:
	// true false
	// true
}
