package sqlitestore

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// What a client's deletion notice deletes is in no file any more, also when somebody reads
// meanwhile.
func TestDeletedSamplesAreGoneFromTheFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	marker := []byte("XMARKERX")
	events, state, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	defer events.Close()
	found := func() (n int) {
		for _, end := range []string{"", "-wal"} {
			b, err := os.ReadFile(path + end)
			if err != nil {
				t.Fatal(err)
			}
			n += bytes.Count(b, marker)
		}
		return n
	}
	for i := range 30 {
		page := &detector.FeedPage{Feed: "c1", Batches: []detector.Batch{{ID: report.BatchID{1, byte(i)}, Received: time.UnixMilli(1)}}}
		for k := range 20 {
			s := model.Sample{At: time.UnixMilli(int64(k)), URL: "https://shop.test/kept", Client: 8}
			if k%2 == 0 {
				s.URL, s.Client = "https://shop.test/"+string(marker), 7
			}
			page.Batches[0].Samples = append(page.Batches[0].Samples, s)
		}
		if _, err := events.Append(t.Context(), page); err != nil {
			t.Fatal(err)
		}
	}
	if found() == 0 {
		t.Fatal("the test looks for the wrong bytes")
	}
	rows, err := events.asked.Query("SELECT id FROM samples")
	if err != nil {
		t.Fatal(err)
	}
	rows.Next() // a reader that holds the log
	if err := events.Forget(t.Context(), []uint64{7}); err != nil {
		t.Fatal(err)
	}
	rows.Close()
	if _, err := events.Trim(t.Context(), 1<<40); err != nil {
		t.Fatal(err)
	}
	if n := found(); n != 0 {
		t.Errorf("the marker is there %d times", n)
	}
	if left, err := events.Samples(t.Context(), model.SampleQuery{}); err != nil || len(left) != 100 {
		t.Errorf("%d samples of others, %v", len(left), err)
	}
}
