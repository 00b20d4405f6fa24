package collector

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"testing"

	"github.com/heliograph-net/heliograph/internal/httpx"
)

// FuzzInflate: whatever is taken for a compressed body, no more comes out of it than the limit, and
// no memory stays counted.
func FuzzInflate(f *testing.F) {
	for _, plain := range []string{"", "[]", "a report", string(make([]byte, 5000))} {
		var zipped, deflated bytes.Buffer
		w, z := gzip.NewWriter(&zipped), zlib.NewWriter(&deflated)
		_, _ = w.Write([]byte(plain))
		_, _ = z.Write([]byte(plain))
		_, _ = w.Close(), z.Close()
		f.Add(true, zipped.Bytes())
		f.Add(false, deflated.Bytes())
		f.Add(true, append(zipped.Bytes(), zipped.Bytes()...))
	}
	f.Fuzz(func(t *testing.T, zipped bool, compressed []byte) {
		const limit = 4 << 10
		coding := "deflate"
		if zipped {
			coding = "gzip"
		}
		m := &memory{max: 1 << 20}
		b := newBody(m)
		err := b.inflate(coding, bytes.NewReader(compressed), limit)
		if err != nil && err != errCoded && err != httpx.ErrTooLarge {
			t.Errorf("inflate: %v", err)
		}
		if err == nil && len(b.bytes) > limit || len(b.bytes) > limit+1 {
			t.Errorf("%d bytes came out, the limit is %d, %v", len(b.bytes), limit, err)
		}
		if b.free(); m.used.Load() != 0 {
			t.Errorf("%d bytes stay counted", m.used.Load())
		}
	})
}
