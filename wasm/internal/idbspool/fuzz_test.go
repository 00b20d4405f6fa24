//go:build !js

package idbspool

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// FuzzRow: a row that can be parsed is formatted as it was.
func FuzzRow(f *testing.F) {
	id, err := report.NewBatchID(time.Now(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range []row{{id: id, birth: 1, size: 1, chunks: 1}, {id: id, birth: 1 << 41, size: seal.MaxSegment, chunks: 3, touched: done}} {
		f.Add(r.String())
	}
	f.Add("x 1 1 1 1")
	f.Add(id.String() + " -1 1 1 1")
	f.Add(id.String() + " 01 1 1 1")
	f.Fuzz(func(t *testing.T, s string) {
		r, ok := parseRow(s)
		if ok && (r.String() != s || r.size <= 0 || r.size > seal.MaxSegment || r.birth < 0) {
			t.Errorf("%q is read as %+v", s, r)
		}
	})
}
