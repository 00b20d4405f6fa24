package store

import (
	"database/sql"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/clickhousestore"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/internal/clickhousetest"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

var (
	samples   = flag.Int("samples", 0, "samples to search in; 0: no search is measured")
	in        = flag.String("in", "sqlite", "the store to search in: sqlite or clickhouse")
	kept      = flag.String("kept", "", "a directory in which the SQLite store is kept; a store that is there is searched again")
	perStored = flag.Int("per-stored", 1, "with SQLite, store one of so many samples, and make the others by copying them with their index, with other times")
)

// samplesAtOnce is how many samples a page has.
const samplesAtOnce = 4096

// TestSearch prints how long searches take. It is a measurement, and fails only if the store does.
func TestSearch(t *testing.T) {
	if *samples == 0 {
		t.Skip("nothing is measured without -samples")
	}
	events, dir := searchStore(t)
	now := time.Date(2026, 12, 7, 0, 0, 0, 0, time.UTC)
	begin := now.Add(-7 * 24 * time.Hour)
	if known, err := events.Samples(t.Context(), model.SampleQuery{Limit: 1}); err != nil || len(known) == 0 {
		step := now.Sub(begin) / time.Duration(*samples)
		stored := fillSamples(t, events, dir, begin, step)
		if *perStored > 1 {
			copySamples(t, filepath.Join(dir, "events.db"), stored, step)
		}
	}
	searchAll(t, events, now)
}

// fillSamples stores the first part of the samples, whose times lie evenly in a week, and returns
// how many it stored.
func fillSamples(t *testing.T, events detector.Events, dir string, begin time.Time, step time.Duration) (n int) {
	random := rand.New(rand.NewPCG(3, 4))
	begun := time.Now()
	var slowest time.Duration
	for ; n < *samples / *perStored; n += samplesAtOnce {
		page := samplePage(n, begin, step, random)
		one := time.Now()
		if _, err := events.Append(t.Context(), page); err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, time.Since(one))
	}
	fmt.Printf("%d samples stored in %.0f s, the slowest page of %d in %.0f ms; %.0f MB on disk\n", n, time.Since(begun).Seconds(), samplesAtOnce,
		float64(slowest.Microseconds())/1000, float64(size(dir))/1e6)
	return n
}

// chunk is how many ids have an entry of the index together, see package sqlitestore.
const chunk = 8192

// copySamples copies the samples of whole chunks, and deletes the rest.
func copySamples(t *testing.T, path string, stored int, step time.Duration) {
	chunks := stored / chunk
	db, err := sql.Open("sqlite3", path+"?_synchronous=off&_cache_size=-500000")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	run := func(statement string, args ...any) {
		if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	begun := time.Now()
	run("DELETE FROM samples WHERE id >= ?", chunks*chunk)
	for k := 1; k < *perStored; k++ {
		later := int64(k) * int64(chunks*chunk) * int64(step) / int64(time.Millisecond)
		run(`INSERT INTO samples (id, at, app, version, os, source, target, url, method, outcome, phase, protocol, server, status, elapsed, trace, flags,
			asn, country, error_type, message, stack, fingerprint, count, client)
			SELECT id + ?1, at + ?2, app, version, os, source, target, url, method, outcome, phase, protocol, server, status, elapsed, trace, flags,
			asn, country, error_type, message, stack, fingerprint, count, client FROM samples WHERE id < ?3`, k*chunks*chunk, later, chunks*chunk)
		run("INSERT INTO sample_chunks SELECT chunk + ?1, first + ?2, last + ?2, times FROM sample_chunks WHERE chunk < ?3", k*chunks, later, chunks)
		run("INSERT INTO sample_terms SELECT chunk + ?1, term, samples FROM sample_terms WHERE chunk < ?2", k*chunks, chunks)
	}
	fmt.Printf("%d samples copied to %d in %.0f s\n", chunks*chunk, *perStored*chunks*chunk, time.Since(begun).Seconds())
}

func searchAll(t *testing.T, events detector.Events, now time.Time) {
	asked := *samples / *perStored / 3
	for _, q := range []struct {
		name, text string
		since      time.Time
	}{
		{"a trace", "trace:" + fmt.Sprintf("%x", traceOf(asked)), time.Time{}},
		{"a word of one sample in 40,000", "w77x", time.Time{}},
		{"a word that none has", "nowhere", time.Time{}},
		{"a frequent word", "timeout", time.Time{}},
		{"two words and a small network", "timeout checkout asn:70000", time.Time{}},
		{"a release and a phrase", `version:1.7.0 "not a function"`, time.Time{}},
		{"two frequent words that no sample has both of", "timeout function", time.Time{}},
		{"fields that most samples have, and a rare word", "app:shop outcome:tcp method:get w99x", time.Time{}},
		{"three days of a country and an error", "country:JP error:TypeError", now.Add(-72 * time.Hour)},
		{"the past hour, a word", "checkout", now.Add(-time.Hour)},
	} {
		measure(t, q.name, func() (int, error) {
			found, err := events.Samples(t.Context(), model.SampleQuery{Text: q.text, Since: q.since, Limit: 100})
			return len(found), err
		})
	}
}

func searchStore(t *testing.T) (detector.Events, string) {
	if *in == "clickhouse" {
		server := clickhousetest.Start(t)
		events, err := clickhousestore.Open(t.Context(), clickhousestore.Options{Address: server.Address(), Password: clickhousetest.Password,
			Database: server.Database(t), Journal: filepath.Join(server.Dir(), "journal.db")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = events.Close() })
		return events, server.Dir()
	}
	dir := *kept
	if dir == "" {
		dir = t.TempDir()
	}
	events, err := sqlitestore.OpenEvents(t.Context(), filepath.Join(dir, "events.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = events.Close() })
	return events, dir
}

func traceOf(n int) [16]byte {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:], uint64(n)*0x9e3779b97f4a7c15|1)
	return id
}

// samplePage returns samples from the n-th on. Three in four are failed requests, the others errors
// of an application. Networks, paths and words are of very different frequency.
func samplePage(n int, begin time.Time, step time.Duration, random *rand.Rand) *detector.FeedPage {
	b := detector.Batch{Received: begin, App: "shop", Records: 1}
	binary.BigEndian.PutUint64(b.ID[8:], uint64(n))
	zipf := rand.NewZipf(random, 1.2, 4, 20_000)
	paths := []string{"cart", "checkout", "item/{id}", "search", "account/orders", "api/v2/prices", "login"}
	outcomes := []report.Outcome{report.TCPTimedOut, report.TCPReset, report.TCPRefused, report.DNSFailed, report.TLSFailed, report.HTTPError}
	for i := range samplesAtOnce {
		s := model.Sample{At: begin.Add(time.Duration(n+i) * step), App: []string{"shop", "shop", "shop", "pay"}[random.IntN(4)], Version: fmt.Sprintf("1.%d.0", random.IntN(8)),
			OS: []string{"linux", "android", "ios", "windows"}[random.IntN(4)], Source: report.SourceAgent, Target: "https://shop.example", Method: "GET", Protocol: "h2",
			Server: fmt.Sprintf("192.0.2.%d:443", random.IntN(200)), ASN: uint32(64500 + zipf.Uint64()), Country: []string{"DE", "FR", "JP", "US", "BR"}[random.IntN(5)],
			Elapsed: time.Duration(random.IntN(9000)) * time.Millisecond, TraceID: traceOf(n + i), Client: random.Uint64N(1_000_000) + 1}
		if random.IntN(50) == 0 {
			s.ASN = 70000
		}
		s.URL = s.Target + "/" + paths[random.IntN(len(paths))]
		if random.IntN(4) > 0 {
			s.Outcome = outcomes[random.IntN(len(outcomes))]
		} else {
			s.Outcome, s.TraceID = report.AppPanic, [16]byte{}
			s.Error = thrown(int(zipf.Uint64()), random)
		}
		if s.Outcome == report.TCPTimedOut {
			s.URL += "/timeout"
		}
		b.Samples = append(b.Samples, s)
	}
	return &detector.FeedPage{Feed: "c1", Batches: []detector.Batch{b}}
}

// thrown returns an error of the k-th cause.
func thrown(k int, random *rand.Rand) model.ApplicationError {
	e := model.ApplicationError{Type: []string{"TypeError", "RangeError", "SyntaxError"}[k%3], Count: 1,
		Message: fmt.Sprintf("cart.total%d is not a function, near w%dx", k%700, random.IntN(10_000)),
		Stack:   fmt.Sprintf("total cart%d.js:%d\nrender view.js:%d\nmain main.js:3", k%90, k%400, k%1000)}
	binary.BigEndian.PutUint64(e.Fingerprint[:], uint64(k)+1)
	return e
}

// measure prints the median and the 95th percentile of a question's time.
func measure(t *testing.T, name string, ask func() (found int, err error)) {
	var all []float64
	var found int
	for range *asks {
		begun := time.Now()
		n, err := ask()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		found, all = n, append(all, float64(time.Since(begun).Microseconds())/1000)
	}
	first := all[0]
	slices.Sort(all)
	fmt.Printf("| %s | %s | %d | %.0f | %.0f | %.0f |\n", strings.ToUpper((*in)[:1])+(*in)[1:], name, found, first, all[len(all)/2], all[len(all)*95/100])
}
