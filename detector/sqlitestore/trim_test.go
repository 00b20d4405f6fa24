package sqlitestore

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// A store that is too large loses its oldest data of the kind that exceeds its part the most. A
// small amount of another kind stays.
func TestFullStoreLosesItsOldest(t *testing.T) {
	const maxBytes = 4 << 20
	ctx := t.Context()
	s, err := OpenEvents(ctx, filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.UnixMilli(1_700_000_000_000)
	n := 0
	page := func(do func(*detector.Batch)) {
		t.Helper()
		p := &detector.FeedPage{Feed: "c1"}
		for range 10 {
			n++
			b := detector.Batch{ID: report.BatchID{byte(n >> 16), byte(n >> 8), byte(n)}, Received: now, App: "shop"}
			do(&b)
			p.Batches = append(p.Batches, b)
		}
		if _, err := s.Append(ctx, p); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Minute)
	}
	dropped := map[string]int64{}
	trim := func() {
		t.Helper()
		gone, err := s.Trim(ctx, maxBytes)
		if err != nil {
			t.Fatal(err)
		}
		for kind, n := range gone {
			dropped[kind] += n
		}
	}
	page(func(b *detector.Batch) {
		b.Samples = append(b.Samples, model.Sample{At: now, URL: "https://shop.test/"})
	})
	first := now
	for range 40 { // a flood of series: 10 x 500 a minute
		page(func(b *detector.Batch) {
			for k := range 500 {
				b.Counts = append(b.Counts, model.Count{Series: model.Series{App: "shop", Target: fmt.Sprintf("https://%d-%d.test", n, k),
					Outcome: report.TCPReset, Source: report.SourceAgent, Country: "XA"}, Client: 1, End: now, Raw: 1, Estimated: 1})
			}
		})
		trim()
	}
	size, err := s.Size(ctx)
	if err != nil || size.Bytes > maxBytes {
		t.Errorf("%d of %d bytes are in use, %v", size.Bytes, maxBytes, err)
	}
	if dropped[detector.KindCells] == 0 || dropped[detector.KindSamples] != 0 || !size.Oldest[detector.KindCells].After(first) {
		t.Errorf("dropped %v, oldest %v", dropped, size.Oldest)
	}
	newest, err := s.Cells(ctx, now.Add(-time.Minute-time.Second), now)
	if err != nil || len(newest) != 5000 {
		t.Errorf("%d cells of the newest bin, %v; want all", len(newest), err)
	}
	if samples, err := s.Samples(ctx, model.SampleQuery{}); err != nil || len(samples) != 10 {
		t.Errorf("%d samples, %v; want the few there were", len(samples), err)
	}

	for range 40 { // and one of samples, behind which the counts stay that are left
		page(func(b *detector.Batch) {
			for range 40 {
				b.Samples = append(b.Samples, model.Sample{At: now, URL: "https://shop.test/" + strings.Repeat("x", 500)})
			}
		})
		trim()
	}
	if size, err := s.Size(ctx); err != nil || size.Bytes > maxBytes || dropped[detector.KindSamples] == 0 || size.Oldest[detector.KindCells].IsZero() {
		t.Errorf("%d bytes in use, dropped %v, oldest %v, %v", size.Bytes, dropped, size.Oldest, err)
	}
}
