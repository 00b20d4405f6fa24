package httpagent

import (
	"testing"
	"time"
)

func FuzzRetryAfter(f *testing.F) {
	f.Add("120")
	f.Add("Sun, 06 Nov 1994 08:49:37 GMT")
	f.Add("-1")
	f.Fuzz(func(t *testing.T, h string) {
		if d := retryAfter(h, time.Unix(0, 0)); d < 0 {
			t.Fatalf("%q became %v", h, d)
		}
	})
}
