package sqlitestore

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/report"
)

// A network that sends much that cannot be opened does not displace the batches of others.
func TestWaitingBatchesAreSharedByNetwork(t *testing.T) {
	defer func(old int64) { maxWaiting = old }(maxWaiting)
	maxWaiting = 200 * 4096
	events, s, err := Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	defer s.Close()
	n := 0
	put := func(asn uint32, many int) {
		page := &detector.FeedPage{Feed: "c1"}
		for range many {
			n++
			page.Quarantined = append(page.Quarantined, detector.Quarantined{ID: report.BatchID{byte(n >> 8), byte(n)}, Received: time.UnixMilli(1),
				Reason: detector.ReasonUnknownKey, Detail: "d", ASN: asn, Country: "ZZ", Segment: []byte{1}})
		}
		if err := s.SaveCursor(t.Context(), page); err != nil {
			t.Fatal(err)
		}
	}
	put(64501, 40)
	for range 30 {
		put(64666, 60)
	}
	put(64502, 40)
	by := map[uint32]int{}
	held, err := s.Quarantine(t.Context(), 0, 1000)
	for _, h := range held {
		by[h.ASN]++
	}
	if err != nil || by[64501] != 40 || by[64502] != 40 || by[64666] > 120 || by[64666] < 100 {
		t.Errorf("batches that wait by network: %v, %v", by, err)
	}
	counts, err := s.QuarantineCounts(t.Context())
	if err != nil || len(counts) != 1 || counts[0].Dropped != uint64(n-len(held)) {
		t.Errorf("counts %+v, %v; want %d given up", counts, err, n-len(held))
	}
}
