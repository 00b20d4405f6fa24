package httpagent

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"
)

func FuzzTraceparent(f *testing.F) {
	f.Add("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	f.Add("00-0af7651916cd43dd8448eb211c80319c")
	f.Add("")
	f.Fuzz(func(t *testing.T, h string) {
		if id := traceID(h); id != [16]byte{} && !strings.EqualFold(h[3:35], hex.EncodeToString(id[:])) {
			t.Fatalf("%q became %x", h, id)
		}
	})
}

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
