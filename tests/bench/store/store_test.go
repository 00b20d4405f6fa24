// Package store measures the stores of a detector beside each other: rows in, and the answers that
// the page asks for.
package store

import (
	"context"
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
	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/internal/clickhousetest"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

var (
	rows   = flag.Int("rows", 0, "rows to store in each; 0: nothing is measured")
	copies = flag.Int("copies", 0, "how often the engines copy what is stored, each time further back")
	asks   = flag.Int("asks", 40, "how often each question is asked")
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
		client, bucket := sketch.Hash(sketch.Key{1}, random.Uint64N(1_000_000)), report.Bucket(1+random.IntN(4000))
		b.Counts = append(b.Counts, model.Count{Series: s, Client: client, Bucket: bucket, End: end, Raw: 3, Estimated: 3})
		b.Rows = append(b.Rows, judgement.Row{At: end.UnixMilli() - random.Int64N(width.Milliseconds()), App: s.App, Version: "1.0", OS: "linux", Target: s.Target, Outcome: s.Outcome,
			Protocol: s.Protocol, Status: s.Status, Server: s.Server, Source: s.Source, ASN: s.ASN, Country: s.Country, Collector: "c1", Bucket: bucket, Client: client,
			Raw: 3, Estimated: 3})
	}
	b.Samples = append(b.Samples, model.Sample{At: end, App: "shop", Outcome: report.TCPReset, Target: "https://0.shop.test", URL: "https://0.shop.test/cart"})
	return &detector.FeedPage{Feed: "c1", Batches: []detector.Batch{b}}
}

// TestStores prints a table of both stores, one after the other, each removed before the next. It
// is a measurement, and fails only if a store does.
func TestStores(t *testing.T) {
	if *rows == 0 {
		t.Skip("nothing is measured without -rows")
	}
	t.Run("SQLite", func(t *testing.T) {
		r := newRun(t, t.TempDir())
		path := filepath.Join(r.dir, "events.db")
		open := func() detector.Events {
			events, err := sqlitestore.OpenEvents(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			return events
		}
		r.measure(open, func() { copySQLite(t, path, *copies, r.stretch, r.end) })
	})
	t.Run("ClickHouse", func(t *testing.T) {
		server := clickhousetest.Start(t)
		database := server.Database(t)
		conn := connect(t, server, database)
		r := newRun(t, server.Dir())
		journal := filepath.Join(r.dir, "journal.db")
		open := func() detector.Events {
			events, err := clickhousestore.Open(t.Context(), clickhousestore.Options{Address: server.Address(), Password: clickhousetest.Password,
				Database: database, Journal: journal})
			if err != nil {
				t.Fatal(err)
			}
			if r.filled {
				awaitSums(t, journal)
			}
			return events
		}
		r.measure(open, func() { copyClickHouse(t, conn, *copies, r.stretch, r.end) })
		var cells uint64
		if err := conn.QueryRow(t.Context(), "SELECT count() FROM cells").Scan(&cells); err == nil {
			r.print("rows of table cells", float64(cells))
		}
	})
}

// run measures a store. What it is given ends at end, some hours back, so that all its minutes and
// hours are over.
type run struct {
	t       *testing.T
	dir     string
	pages   int
	stretch time.Duration // that was given to it, without copies
	end     time.Time
	filled  bool
}

func newRun(t *testing.T, dir string) *run {
	pages := *rows / pageRows
	stretch := time.Duration(pages/binPages) * width
	if *copies > 0 && stretch%time.Hour != 0 {
		t.Fatalf("-rows %d take %v; only whole hours can be copied: give a multiple of %d", *rows, stretch, pageRows*binPages*int(time.Hour/width))
	}
	return &run{t: t, dir: dir, pages: pages, stretch: stretch, end: time.Now().Truncate(time.Hour).Add(-time.Hour)}
}

func (r *run) print(what string, figure float64) {
	fmt.Printf("| %s | %s | %.0f |\n", filepath.Base(r.t.Name()), what, figure)
}

// measure fills a store, has its stretch copied, and asks it.
func (r *run) measure(open func() detector.Events, copyAll func()) {
	events := open()
	took := r.fill(events, r.pages, r.end.Add(-r.stretch))
	r.print("rows/s in", float64(r.pages*pageRows)/took.Seconds())
	r.filled = true
	if *copies > 0 {
		begun := time.Now()
		if err := events.Judged(r.t.Context(), 1<<62); err != nil {
			r.t.Fatal(err)
		}
		r.print("rolling up, s", time.Since(begun).Seconds())
		if err := events.Close(); err != nil {
			r.t.Fatal(err)
		}
		events = open() // and wait until everything is in the tables
		_ = events.Close()
		begun = time.Now()
		copyAll()
		r.print("copying, s", time.Since(begun).Seconds())
		events = open()
	}
	defer func() { _ = events.Close() }()
	r.print("MB on disk", float64(size(r.dir))/1e6)
	r.ask(events)
	if *copies == 0 {
		return
	}
	more := *rows / 10 / pageRows
	took = r.fill(events, more, r.end)
	r.print("rows/s in, into the full store", float64(more*pageRows)/took.Seconds())
	r.prune(events)
}

// fill gives a store pages and waits until all can be read.
func (r *run) fill(events detector.Events, pages int, begin time.Time) time.Duration {
	random := rand.New(rand.NewPCG(1, 1))
	begun := time.Now()
	for n := range pages {
		if _, err := events.Append(r.t.Context(), page(n, begin.Add(time.Duration(n/binPages+1)*width), random)); err != nil {
			r.t.Fatal(err)
		}
	}
	if _, err := events.Cells(r.t.Context(), begin, begin.Add(time.Second)); err != nil {
		r.t.Fatal(err)
	}
	return time.Since(begun)
}

// longestPrune is how long a deletion is watched.
const longestPrune = 5 * time.Minute

// prune deletes all counts before the latest UTC midnight that has copies before it.
func (r *run) prune(events detector.Events) {
	midnight := r.end.UTC().Truncate(24 * time.Hour)
	if !midnight.After(r.end.Add(-time.Duration(*copies+1) * r.stretch)) {
		return
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), longestPrune)
	defer cancel()
	begun := time.Now()
	err := events.Prune(ctx, r.end, detector.Retention{Rollups: r.end.Sub(midnight)})
	if err != nil && ctx.Err() == nil {
		r.t.Fatal(err)
	}
	what := "deleting counts before midnight, %v back, s"
	if err != nil {
		what = "deleting counts before midnight, %v back, s; given up"
	}
	r.print(fmt.Sprintf(what, r.end.Sub(midnight)), time.Since(begun).Seconds())
	r.print("MB on disk after that", float64(size(r.dir))/1e6)
}

// question is what the page asks for.
type question struct {
	name string
	ask  func(ctx context.Context) (rows int, err error)
}

// questions returns those of the overview, which are of the latest 15 minutes, and those
// of Explore.
func (r *run) questions(events detector.Events) (all []question) {
	back := func(d time.Duration) time.Time { return r.end.Add(-d) }
	byType := model.DimensionsOf(model.ByOutcome)
	totals := func(d time.Duration) func(context.Context) (int, error) {
		return func(ctx context.Context) (int, error) {
			rows, err := events.Totals(ctx, model.TotalsQuery{Since: back(d), Until: r.end, By: byType})
			return len(rows), err
		}
	}
	rollups := func(step, d time.Duration) func(context.Context) (int, error) {
		return func(ctx context.Context) (int, error) {
			rows, err := events.Rollups(ctx, model.RollupQuery{Step: step, Since: back(d), Until: r.end, By: []model.Facet{model.FacetType}})
			return len(rows), err
		}
	}
	const recent = 15 * time.Minute
	all = []question{
		{"totals of 15 minutes by type", totals(recent)},
		{"curve of 15 minutes", func(ctx context.Context) (int, error) {
			rows, err := events.Curve(ctx, model.CurveQuery{Since: back(recent), Until: r.end, Step: 15 * time.Second})
			return len(rows), err
		}},
		{"servers of 15 minutes", func(ctx context.Context) (int, error) {
			rows, err := events.Servers(ctx, back(recent))
			return len(rows), err
		}},
		{"reachability of 15 minutes", func(ctx context.Context) (int, error) {
			rows, err := events.Reachability(ctx, model.ReachQuery{Since: back(recent), Until: r.end, Step: time.Minute})
			return len(rows), err
		}},
		{"100 samples", func(ctx context.Context) (int, error) {
			rows, err := events.Samples(ctx, model.SampleQuery{})
			return len(rows), err
		}},
	}
	if *copies > 0 {
		hours := min(time.Duration(*copies+1)*r.stretch, 24*time.Hour)
		all = append(all,
			question{"totals of an hour by type", totals(time.Hour)},
			question{"100 samples of a rare type", func(ctx context.Context) (int, error) {
				rows, err := events.Samples(ctx, model.SampleQuery{Type: report.DNSFailed})
				return len(rows), err
			}},
			question{"minutes of 6 hours by type", rollups(model.RollupMinute, min(hours, 6*time.Hour))},
			question{fmt.Sprintf("hours of %v by type", hours), rollups(model.RollupHour, hours)})
	}
	return all
}

// ask prints the 95th percentile of the answers.
func (r *run) ask(events detector.Events) {
	for _, q := range r.questions(events) {
		var took []time.Duration
		n := 0
		for range *asks {
			begun := time.Now()
			var err error
			if n, err = q.ask(r.t.Context()); err != nil {
				r.t.Errorf("%s: %v", q.name, err)
				break
			}
			took = append(took, time.Since(begun))
		}
		if len(took) < *asks {
			continue
		}
		slices.Sort(took)
		r.print(fmt.Sprintf("%s (%d rows), p95 ms", q.name, n), float64(took[len(took)*95/100].Microseconds())/1000)
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
