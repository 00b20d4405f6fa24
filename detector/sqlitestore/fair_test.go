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

// One network that fills the store, with whatever, pushes out its own data and not that of others.
func TestOneNetworkFillsTheStoreWithItsOwn(t *testing.T) {
	const honest, stranger = 40, 999
	at := time.UnixMilli(1_700_000_000_000)
	cell := func(asn uint32, target string, at time.Time) model.Count {
		return model.Count{Series: model.Series{App: "shop", Target: target, Outcome: report.TCPReset, Source: report.SourceAgent, ASN: asn, Country: "XA"},
			Client: 1, End: at, Raw: 1, Estimated: 1}
	}
	for kind, fill := range map[string]func(b *detector.Batch, minute, n int, now time.Time){
		detector.KindCells: func(b *detector.Batch, minute, n int, now time.Time) {
			for k := range 400 {
				b.Counts = append(b.Counts, cell(stranger, fmt.Sprintf("https://%d-%d-%d.test", minute, n, k), now))
			}
		},
		detector.KindSamples: func(b *detector.Batch, minute, n int, now time.Time) {
			for range 60 {
				b.Samples = append(b.Samples, model.Sample{At: now, ASN: stranger, URL: "https://shop.test/" + strings.Repeat("x", 500)})
			}
		},
		detector.KindBatches: func(b *detector.Batch, minute, n int, now time.Time) { b.App = strings.Repeat("x", 20_000) },
	} {
		t.Run(kind, func(t *testing.T) {
			const maxBytes = 3 << 20
			s, err := OpenEvents(t.Context(), filepath.Join(t.TempDir(), "store.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			id, dropped := 0, map[string]int64{}
			batch := func(asn uint32, now time.Time) detector.Batch {
				id++
				return detector.Batch{ID: report.BatchID{byte(id >> 8), byte(id)}, Received: now, ASN: asn, App: "shop"}
			}
			for minute := range 30 {
				now := at.Add(time.Duration(minute) * time.Minute)
				page := &detector.FeedPage{Feed: "c1"}
				for n := range honest {
					b := batch(uint32(n+1), now)
					b.Counts = []model.Count{cell(uint32(n+1), "https://shop.test", now)}
					b.Samples = []model.Sample{{At: now, ASN: uint32(n + 1), URL: "https://shop.test/"}}
					page.Batches = append(page.Batches, b)
				}
				for n := range 10 {
					b := batch(stranger, now)
					fill(&b, minute, n, now)
					page.Batches = append(page.Batches, b)
				}
				if _, err := s.Append(t.Context(), page); err != nil {
					t.Fatal(err)
				}
				gone, err := s.Trim(t.Context(), maxBytes)
				if err != nil {
					t.Fatal(err)
				}
				for k, n := range gone {
					dropped[k] += n
				}
			}
			if dropped[kind] == 0 || len(dropped) > 1 {
				t.Fatalf("dropped %v, want %s and nothing else", dropped, kind)
			}
			var cells, samples, ids int
			if err := s.asked.QueryRow(`SELECT (SELECT count(*) FROM cells JOIN series ON id = series WHERE asn < 999),
				(SELECT count(*) FROM samples WHERE asn < 999), (SELECT count(*) FROM batches WHERE asn < 999)`).Scan(&cells, &samples, &ids); err != nil {
				t.Fatal(err)
			}
			if want := 30 * honest; cells != want || samples != want || ids != want {
				t.Errorf("of others are left %d counts, %d samples and %d ids, want %d of each", cells, samples, ids, want)
			}
		})
	}
}

// Networks that are alike lose whole bins, so that what is shown of a bin is of all of them.
func TestCountsOfManyNetworksGoByBins(t *testing.T) {
	const maxBytes = 512 << 10
	s, err := OpenEvents(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	at := time.UnixMilli(1_700_000_000_000)
	for minute := range 40 {
		b := detector.Batch{ID: report.BatchID{1, byte(minute)}, Received: at}
		for n := range 200 {
			b.Counts = append(b.Counts, model.Count{Series: model.Series{App: "shop", Target: "https://shop.test", Outcome: report.OK, ASN: uint32(n/(1+n%9) + 1), Server: fmt.Sprint(n)},
				Client: 1, End: at.Add(time.Duration(minute) * time.Minute), Raw: 1, Estimated: 1})
		}
		if _, err := s.Append(t.Context(), &detector.FeedPage{Feed: "c1", Batches: []detector.Batch{b}}); err != nil {
			t.Fatal(err)
		}
	}
	if dropped, err := s.Trim(t.Context(), maxBytes); err != nil || dropped[detector.KindCells] == 0 {
		t.Fatalf("%v %v", dropped, err)
	}
	var partial, bins int
	if err := s.asked.QueryRow("SELECT count(*), total(n < 200) FROM (SELECT count(*) AS n FROM cells GROUP BY bin)").Scan(&bins, &partial); err != nil {
		t.Fatal(err)
	}
	if bins == 0 || partial != 0 {
		t.Errorf("%d of %d bins are left in part", partial, bins)
	}
}

// Whoever sends notices without end pushes out notices of their own network.
func TestNoticesAreSharedByNetwork(t *testing.T) {
	set(t, &maxDeleted, 100)
	s, err := OpenState(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.UnixMilli(1_700_000_000_000)
	var all []detector.Deletion
	var honest []uint64
	for n := range uint64(40) {
		honest = append(honest, n+1)
		all = append(all, detector.Deletion{Client: n + 1, ASN: uint32(n%20 + 1), Received: now.Add(-24 * time.Hour)})
	}
	for n := range uint64(5000) {
		all = append(all, detector.Deletion{Client: 10_000 + n, ASN: 999, Received: now.Add(time.Duration(n) * time.Millisecond)})
	}
	if err := s.SaveDeleted(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if err := s.Prune(t.Context(), now, detector.Retention{}); err != nil {
		t.Fatal(err)
	}
	if kept, err := s.Deleted(t.Context(), honest); err != nil || len(kept) != len(honest) {
		t.Errorf("%d of %d notices of others are kept, %v", len(kept), len(honest), err)
	}
	if kept, err := s.Deleted(t.Context(), []uint64{10_000, 14_939, 14_940, 14_999}); err != nil || len(kept) != 2 || kept[0] != 14_940 {
		t.Errorf("of the network that has the most %v are kept, %v; want its newest 60", kept, err)
	}
}

func TestLevel(t *testing.T) {
	for _, c := range []struct {
		have []int64
		room int64
		want []int64
	}{
		{nil, 5, nil},
		{[]int64{1, 2, 3}, 6, []int64{1, 2, 3}},
		{[]int64{1, 2, 3}, 5, []int64{1, 2, 2}},
		{[]int64{9, 9, 9}, 5, []int64{1, 1, 1}},
		{[]int64{100, 1, 50}, 61, []int64{30, 1, 30}},
		{[]int64{7}, 0, []int64{0}},
	} {
		var networks []amount
		for i, n := range c.have {
			networks = append(networks, amount{uint32(i), n})
		}
		most := level(networks, c.room)
		for i, n := range c.have {
			if got := min(n, most); got != c.want[i] {
				t.Errorf("%v in %d: %d keeps %d, want %d", c.have, c.room, i, got, c.want[i])
			}
		}
	}
}
