package sqlitestore

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// fillRollups stores minutes of rollups, 200 cells each, of as many networks.
func fillRollups(t *testing.T, s *Events, minutes, networks int) {
	t.Helper()
	at := time.UnixMilli(1_700_000_000_000).Truncate(time.Hour)
	for m := range minutes {
		b := detector.Batch{ID: report.BatchID{1, byte(m >> 8), byte(m), byte(networks)}, Received: at}
		end := at.Add(time.Duration(m+1) * time.Minute).UnixMilli()
		for i := range 200 {
			b.Counts = append(b.Counts, model.Count{Series: model.Series{App: "shop", Outcome: report.OK}, Client: 1, End: at, Raw: 1, Estimated: 1})
			b.Rows = append(b.Rows, judgement.Row{At: end, Arrived: end, App: "shop", Version: fmt.Sprint("1.", i/networks), Outcome: report.OK, ASN: uint32(i % networks), Client: uint64(i), Raw: 1, Estimated: 1})
		}
		if _, err := s.Append(t.Context(), &detector.FeedPage{Feed: "c1", Batches: []detector.Batch{b}}); err != nil {
			t.Fatal(err)
		}
	}
	_, last, err := s.Unjudged(t.Context(), 0)
	if err == nil {
		err = s.Judged(t.Context(), last)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A store that is too large gives up the oldest minutes before hours, of the network that has the
// most if one has more than a quarter.
func TestFullStoreLosesRollups(t *testing.T) {
	for _, networks := range []int{1, 20} {
		s, err := OpenEvents(t.Context(), filepath.Join(t.TempDir(), "store.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		fillRollups(t, s, 100, networks)
		size, err := s.Size(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		dropped, err := s.Trim(t.Context(), size.Bytes*9/10)
		if err != nil || dropped[detector.KindRollups] == 0 {
			t.Fatalf("%d networks: dropped %v, %v", networks, dropped, err)
		}
		minutes, err := s.Rollups(t.Context(), model.RollupQuery{Step: model.RollupMinute})
		if err != nil {
			t.Fatal(err)
		}
		hours, err := s.Rollups(t.Context(), model.RollupQuery{Step: model.RollupHour})
		if err != nil {
			t.Fatal(err)
		}
		requests := 0.0
		for _, h := range hours {
			requests += h.OK
		}
		if len(minutes) == 0 || len(minutes) >= 100 || requests != 100*200 {
			t.Errorf("%d networks: %d minutes and %v requests in hours are left", networks, len(minutes), requests)
		}
	}
}

// How long requests took is bounded likewise, and its minutes go before its hours.
func TestFullStoreLosesLatencies(t *testing.T) {
	s, err := OpenEvents(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	first := time.UnixMilli(1_700_000_000_000).Truncate(time.Hour)
	b := detector.Batch{ID: report.BatchID{1}, Received: first}
	for m := range 600 {
		all := make(report.Histogram, report.HistogramBuckets)
		for i := range all {
			all[i] = report.HistogramBucket{Index: uint8(i), Count: 1}
		}
		b.Timed = append(b.Timed, model.Timed{At: first.Add(time.Duration(m) * time.Minute), Target: "https://shop.test", Histogram: all, Weight: 1})
	}
	if _, err := s.Append(t.Context(), &detector.FeedPage{Feed: "c1", Batches: []detector.Batch{b}}); err != nil {
		t.Fatal(err)
	}
	size, err := s.Size(t.Context())
	if err != nil || !size.Oldest[detector.KindLatencies].Equal(first) {
		t.Fatalf("%+v, %v", size, err)
	}
	dropped, err := s.Trim(t.Context(), size.Bytes*3/4)
	if err != nil || dropped[detector.KindLatencies] == 0 {
		t.Fatalf("dropped %v, %v", dropped, err)
	}
	q := model.LatencyQuery{Step: model.RollupHour, Until: first.Add(time.Hour * 24)}
	if hours, err := s.Latencies(t.Context(), q); err != nil || len(hours) != 10 {
		t.Errorf("%d hours, %v", len(hours), err)
	}
	q.Step = model.RollupMinute
	if minutes, err := s.Latencies(t.Context(), q); err != nil || len(minutes) == 0 || len(minutes) >= 600 || minutes[0].At.Equal(first) {
		t.Errorf("%d minutes, %v", len(minutes), err)
	}
}

// Causes of errors are bounded: the network that brought the most loses its oldest.
func TestCausesOfErrorsAreBoundedFairly(t *testing.T) {
	defer func(most int64) { maxFingerprints = most }(maxFingerprints)
	maxFingerprints = 50
	s, err := OpenEvents(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.UnixMilli(1_700_000_000_000)
	b := detector.Batch{ID: report.BatchID{1}, Received: now}
	for i := range 110 {
		asn := uint32(666)
		if i < 10 {
			asn = uint32(i)
		}
		b.Samples = append(b.Samples, model.Sample{At: now.Add(time.Duration(i) * time.Second), App: "shop", Version: "1", ASN: asn, Outcome: report.AppPanic,
			Error: model.ApplicationError{Fingerprint: [16]byte{1, byte(i)}, Count: 1}})
	}
	if _, err := s.Append(t.Context(), &detector.FeedPage{Feed: "c1", Batches: []detector.Batch{b}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Prune(t.Context(), now, detector.Retention{}); err != nil {
		t.Fatal(err)
	}
	all, err := s.Fingerprints(t.Context(), model.FingerprintQuery{Limit: 1000})
	if err != nil || len(all) != 50 || all[49].Fingerprint[1] != 0 || all[39].Fingerprint[1] != 70 {
		t.Errorf("%d causes, %v", len(all), err)
	}
}
