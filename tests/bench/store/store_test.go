// Package store measures the stores of a detector beside each other: rows in, and the answers that
// the page asks for.
package store

import (
	"encoding/binary"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/clickhousestore"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/internal/clickhousetest"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

var (
	rows = flag.Int("rows", 0, "rows to store in each; 0: nothing is measured")
	asks = flag.Int("asks", 40, "how often each question is asked")
)

// How many rows a page has, how many pages a bin, and how many series there are.
const (
	pageRows = 4000
	binPages = 5
	series   = 8000
	width    = 10 * time.Second
)

// page returns the n-th page, whose bin ends at end.
func page(n int, end time.Time, random *rand.Rand) *detector.FeedPage {
	b := detector.Batch{Received: end, App: "shop", Records: 1}
	binary.BigEndian.PutUint32(b.ID[:], uint32(end.Unix()/60))
	binary.BigEndian.PutUint64(b.ID[8:], uint64(n))
	for range pageRows {
		k := random.IntN(series)
		s := model.Series{App: "shop", Target: fmt.Sprintf("https://%d.shop.test", k%4), Outcome: report.OK, Protocol: "h2", Status: 200,
			Server: fmt.Sprintf("192.0.2.%d:443", k%20), ASN: uint32(64500 + k%400), Country: []string{"DE", "FR", "JP"}[k%3], Source: report.SourceAgent}
		if random.IntN(50) == 0 {
			s.Outcome, s.Status = report.TCPReset, 0
		}
		b.Counts = append(b.Counts, model.Count{Series: s, Client: sketch.Hash(sketch.Key{1}, random.Uint64N(1_000_000)), Bucket: report.Bucket(1 + random.IntN(4000)), End: end, Raw: 3, Estimated: 3})
	}
	b.Samples = append(b.Samples, model.Sample{At: end, App: "shop", Outcome: report.TCPReset, Target: "https://0.shop.test", URL: "https://0.shop.test/cart"})
	return &detector.FeedPage{Feed: "c1", Batches: []detector.Batch{b}}
}

// TestStores prints a table of both stores. It is a measurement, and fails only if a store does.
func TestStores(t *testing.T) {
	if *rows == 0 {
		t.Skip("nothing is measured without -rows")
	}
	server := clickhousetest.Start(t)
	dirs := map[string]string{"SQLite": t.TempDir(), "ClickHouse": server.Dir()}
	sqlite, err := sqlitestore.OpenEvents(t.Context(), filepath.Join(dirs["SQLite"], "events.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer sqlite.Close()
	clickhouse, err := clickhousestore.Open(t.Context(), clickhousestore.Options{Address: server.Address(), Password: clickhousetest.Password,
		Database: server.Database(t), Journal: filepath.Join(server.Dir(), "journal.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer clickhouse.Close()
	pages := *rows / pageRows
	now := time.Now().Truncate(width)
	begin := now.Add(-time.Duration(pages/binPages) * width)
	for _, s := range []struct {
		name   string
		events detector.Events
	}{{"SQLite", sqlite}, {"ClickHouse", clickhouse}} {
		took := fill(t, s.events, pages, begin)
		fmt.Printf("| %s | rows/s in | %.0f |\n", s.name, float64(pages*pageRows)/took.Seconds())
		fmt.Printf("| %s | MB on disk | %.0f |\n", s.name, float64(size(dirs[s.name]))/1e6)
		ask(t, s.name, s.events, now)
	}
}

// fill stores pages and waits until all can be read.
func fill(t *testing.T, events detector.Events, pages int, begin time.Time) time.Duration {
	random := rand.New(rand.NewPCG(1, 1))
	begun := time.Now()
	for n := range pages {
		if _, err := events.Append(t.Context(), page(n, begin.Add(time.Duration(n/binPages+1)*width), random)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := events.Cells(t.Context(), begin, begin.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	return time.Since(begun)
}

// ask prints the 95th percentile of the answers that the page asks for.
func ask(t *testing.T, name string, events detector.Events, now time.Time) {
	since := now.Add(-15 * time.Minute)
	for _, q := range []struct {
		name string
		ask  func() error
	}{
		{"totals of 15 minutes by type", func() error {
			_, err := events.Totals(t.Context(), model.TotalsQuery{Since: since, By: model.DimensionsOf(model.ByOutcome)})
			return err
		}},
		{"curve of 15 minutes", func() error {
			_, err := events.Curve(t.Context(), model.CurveQuery{Since: since, Step: 15 * time.Second})
			return err
		}},
		{"servers of 15 minutes", func() error { _, err := events.Servers(t.Context(), since); return err }},
		{"reachability of 15 minutes", func() error {
			_, err := events.Reachability(t.Context(), model.ReachQuery{Since: since, Step: time.Minute})
			return err
		}},
		{"100 samples", func() error { _, err := events.Samples(t.Context(), model.SampleQuery{}); return err }},
	} {
		var took []time.Duration
		for range *asks {
			begun := time.Now()
			if err := q.ask(); err != nil {
				t.Fatal(err)
			}
			took = append(took, time.Since(begun))
		}
		slices.Sort(took)
		fmt.Printf("| %s | %s, p95 ms | %.0f |\n", name, q.name, float64(took[len(took)*95/100].Microseconds())/1000)
	}
}

// size returns the bytes of the files in a directory.
func size(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := os.Stat(path); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}
