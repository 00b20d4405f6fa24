package clickhouse

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/clickhousestore"
	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/detector/stores"
	"github.com/heliograph-net/heliograph/internal/clickhousetest"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Environment variables of processes of tests: the directory of a configuration of the one that
// migrates, and the file that another one keeps open.
const (
	migrateIn = "HELIOGRAPH_TEST_MIGRATE"
	keepOpen  = "HELIOGRAPH_TEST_KEEP_OPEN"
)

// TestMigrationProcess is the process that TestMigration kills. It tells of each step.
func TestMigrationProcess(t *testing.T) {
	dir := os.Getenv(migrateIn)
	if dir == "" {
		return
	}
	if _, err := migrate(t, dir, stores.Migration{Progress: func(p stores.MigrationProgress) {
		if p.Checking {
			fmt.Println("comparing")
			return
		}
		fmt.Println("step", p.Part, p.Done)
	}}); err != nil {
		t.Fatal(err)
	}
	fmt.Println("all is moved")
}

// migrate moves what is in dir/store.db.
func migrate(t *testing.T, dir string, m stores.Migration) (*stores.MigrationReport, error) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var c struct{ Store stores.Config }
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c.Store.Migrate(t.Context(), dir, m)
}

// migrating makes a directory with a configuration of a database.
func migrating(t *testing.T, o *clickhousestore.Options) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{"password": o.Password,
		"config.yaml": fmt.Sprintf("store: {events: {kind: clickhouse, address: %q, database: %s, password_file: password}, state: store.db}", o.Address, o.Database)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o.Journal = filepath.Join(dir, "events-journal.db")
	return dir
}

// filled makes dir/store.db with something in each table, for two days: n batches of some clients,
// of which the last hundred wait to be judged.
func filled(t *testing.T, dir string, n int) {
	t.Helper()
	events, state, err := sqlitestore.Open(t.Context(), filepath.Join(dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	defer events.Close()
	const aPage = 100
	for begin := 0; begin < n; begin += aPage {
		page := &detector.FeedPage{Feed: "c1"}
		for i := begin; i < begin+aPage; i++ {
			page.Batches = append(page.Batches, batchOf(i))
		}
		if _, err := events.Append(t.Context(), page); err != nil {
			t.Fatal(err)
		}
		if begin == n-2*aPage {
			if err := events.Judged(t.Context(), 1<<40); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// batchOf returns a batch with something for each table.
func batchOf(i int) detector.Batch {
	at := time.Now().Truncate(24 * time.Hour).Add(time.Duration(i-2500) * 10 * time.Second)
	outcome := []report.Outcome{report.OK, report.OK, report.TCPRefused}[i%3]
	s := model.Series{App: "shop", Target: fmt.Sprintf("https://%d.shop.test", i%5), Outcome: outcome, Source: report.SourceAgent, Country: "XA", ASN: uint32(64500 + i%7), Server: "192.0.2.1"}
	b := detector.Batch{Received: at, App: "shop", Records: 1 + i%4,
		Counts:  []model.Count{{Series: s, Client: uint64(i%400 + 1), End: at.Truncate(10 * time.Second).Add(10 * time.Second), Raw: uint64(1 + i%9), Estimated: float64(1+i%9) * 1.1, Bucket: report.Bucket(i % 50)}},
		Rows:    []judgement.Row{{At: at.UnixMilli(), Arrived: at.UnixMilli(), App: s.App, Target: s.Target, Outcome: outcome, Client: uint64(i%400 + 1), Raw: 1, Estimated: 1, ASN: s.ASN, Country: "XA"}},
		Samples: []model.Sample{{At: at, App: "shop", Version: fmt.Sprint(1 + i/1000), Target: s.Target, Outcome: report.AppPanic, Client: uint64(i%400 + 1), ASN: s.ASN, Elapsed: time.Second, Error: model.ApplicationError{Type: "panic", Message: strings.Repeat("m", i%300), Fingerprint: [16]byte{1, byte(i % 30)}, Count: uint64(1 + i%3)}}},
		Probes:  []model.ProbeResult{{At: at, Vantage: fmt.Sprint("v", i%3), Judgement: report.Judgement(1 + i%2), Target: model.ProbeTarget{Name: fmt.Sprint(i % 20), Kind: "tcp"}, Steps: []model.ProbeStep{{Name: "connect", Took: time.Duration(i) * time.Microsecond}}}},
		Timed:   []model.Timed{{At: at, Target: s.Target, Histogram: report.Histogram{{Index: 9, Count: 1}, {Index: 12, Count: uint64(1 + i%2)}}, Weight: 1.5}}}
	binary.BigEndian.PutUint64(b.ID[:], uint64(i))
	b.Sealing[3] = 7
	return b
}

// TestMigration: an SQLite file goes to ClickHouse in a process that is killed again and again, and
// both then give the same answers.
func TestMigration(t *testing.T) {
	server := clickhousetest.Start(t)
	o := optionsOf(t, server)
	dir := migrating(t, &o)
	const n = 6000
	filled(t, dir, n)
	dry, err := migrate(t, dir, stores.Migration{DryRun: true})
	if err != nil || dry.Server == "" || len(dry.Parts) == 0 || dry.Parts[0].Rows != n {
		t.Fatalf("a dry run: %+v, %v", dry, err)
	}
	if _, err := os.Stat(o.Journal); err == nil {
		t.Error("a dry run made a journal")
	}

	kills := killWhileMoving(t, dir, o)
	if kills < 5 {
		t.Errorf("the process was killed only %d times", kills)
	}
	r, err := migrate(t, dir, stores.Migration{})
	if err != nil || r.Ended.IsZero() {
		t.Fatalf("once more: %+v, %v; want that it has ended", r, err)
	}
	sameAnswers(t, dir, o, n)
	if _, err := migrate(t, dir, stores.Migration{}); err != nil {
		t.Errorf("after the detector ran: %v", err)
	}
	deletes(t, dir, o, n)
	filled(t, dir, n+100)
	if _, err := migrate(t, dir, stores.Migration{}); !errors.Is(err, stores.ErrChanged) {
		t.Errorf("after the file got more: %v", err)
	}
}

// deletes has the file lose its reports, and nothing else, and checks that ClickHouse has them.
func deletes(t *testing.T, dir string, o clickhousestore.Options, n int) {
	t.Helper()
	path := filepath.Join(dir, "store.db")
	state, err := sqlitestore.OpenState(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	err = state.SaveCursor(t.Context(), &detector.FeedPage{Feed: "c1", Cursor: 42})
	if err = errors.Join(err, state.SaveStep(t.Context(), detector.Step{Bin: first.Add(time.Hour)}), state.Close()); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if r, err := migrate(t, dir, stores.Migration{Delete: true}); err != nil || !r.Deleted || r.Ended.IsZero() {
			t.Fatalf("deleting: %+v, %v", r, err)
		}
	}
	if after, err := os.Stat(path); err != nil || after.Size() > before.Size()/2 {
		t.Errorf("the file has %d bytes, and had %d, %v", after.Size(), before.Size(), err)
	}
	counts, err := sqlitestore.CountSource(t.Context(), path)
	for part, rows := range counts {
		if rows > 0 || err != nil {
			t.Errorf("%d rows of %s are left, %v", rows, part, err)
		}
	}
	if state, err = sqlitestore.OpenState(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	if cursor, err := state.Cursor(t.Context(), "c1"); err != nil || cursor != 42 {
		t.Errorf("the cursor is %d, %v", cursor, err)
	}
	events, err := clickhousestore.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	if got, err := events.Batches(t.Context(), time.Unix(0, 0)); err != nil || got != uint64(n) {
		t.Errorf("ClickHouse has %d of %d batches, %v", got, n, err)
	}
}

// killWhileMoving runs processes that migrate, and kills each some time after its second step, and
// the first that compares, until one ends by itself. It returns how many it has killed.
func killWhileMoving(t *testing.T, dir string, o clickhousestore.Options) (kills int) {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 4))
	for compared := false; ; {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMigrationProcess$", "-test.v")
		cmd.Env = append(os.Environ(), migrateIn+"="+dir)
		cmd.Stderr = os.Stderr
		pipe, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended, steps, out := false, 0, ""
		for lines := bufio.NewScanner(pipe); lines.Scan(); {
			out += lines.Text() + "\n"
			ended = ended || lines.Text() == "all is moved"
			if strings.HasPrefix(lines.Text(), "step") {
				steps++
			}
			if comparing := lines.Text() == "comparing"; comparing && !compared || strings.HasPrefix(lines.Text(), "step") && steps == 2 {
				compared = compared || comparing
				time.Sleep(time.Duration(random.IntN(30)) * time.Millisecond)
				_ = cmd.Process.Kill()
			}
		}
		err = cmd.Wait()
		switch {
		case ended:
			return kills
		case err == nil || !strings.Contains(err.Error(), "killed"):
			t.Fatalf("%v\n%s", err, out)
		}
		if kills++; kills != 2 {
			continue
		}
		if s, err := clickhousestore.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "run heliograph migrate again") {
			t.Errorf("a detector began with half of the reports: %v, %v", s, err)
		}
	}
}

// sameAnswers compares the answers of the file and of ClickHouse, and what a judge and an intake go
// on from.
func sameAnswers(t *testing.T, dir string, o clickhousestore.Options, n int) {
	t.Helper()
	ctx := t.Context()
	sqlite, err := sqlitestore.OpenEvents(ctx, filepath.Join(dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer sqlite.Close()
	clickhouse, err := clickhousestore.Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	defer clickhouse.Close()
	since := time.Now().Add(-72 * time.Hour)
	for name, ask := range map[string]func(e detector.Events) (any, error){
		"totals": func(e detector.Events) (any, error) {
			return e.Totals(ctx, model.TotalsQuery{Since: since, By: model.DimensionsOf(model.ByTarget, model.ByOutcome, model.ByASN)})
		},
		"curve": func(e detector.Events) (any, error) {
			return e.Curve(ctx, model.CurveQuery{Since: since, Step: time.Hour, Clients: true})
		},
		"samples": func(e detector.Events) (any, error) { return e.Samples(ctx, model.SampleQuery{Limit: 500}) },
		"rollups": func(e detector.Events) (any, error) {
			return e.Rollups(ctx, model.RollupQuery{Step: model.RollupHour, By: []model.Facet{model.FacetVersion, model.FacetASN}})
		},
		"errors": func(e detector.Events) (any, error) {
			return e.Rollups(ctx, model.RollupQuery{Step: model.RollupMinute, Errors: true})
		},
		"fingerprints": func(e detector.Events) (any, error) { return e.Fingerprints(ctx, model.FingerprintQuery{}) },
		"durations": func(e detector.Events) (any, error) {
			return e.Latencies(ctx, model.LatencyQuery{Step: model.RollupMinute, Since: since, Until: time.Now().Add(48 * time.Hour)})
		},
		"probes":  func(e detector.Events) (any, error) { return e.ProbeResults(ctx, model.ProbeQuery{Limit: 500}) },
		"batches": func(e detector.Events) (any, error) { return e.Batches(ctx, since) },
		"batch":   func(e detector.Events) (any, error) { b, _, err := e.Batch(ctx, batchOf(17).ID); return b, err },
		"unjudged": func(e detector.Events) (any, error) {
			pages, last, err := e.Unjudged(ctx, 0)
			return []any{pages, last}, err
		},
		"rows": func(e detector.Events) (any, error) {
			pages, _, err := e.Unjudged(ctx, 0)
			if err != nil || len(pages) == 0 {
				return nil, err
			}
			return e.Rows(ctx, pages[0].Number)
		},
	} {
		want, err := ask(sqlite)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ask(clickhouse)
		if err != nil {
			t.Fatal(err)
		}
		if v := reflect.ValueOf(want); !v.IsValid() || v.IsZero() || !near(reflect.ValueOf(got), v) {
			t.Errorf("%s:\nSQLite     %.1500s\nClickHouse %.1500s", name, fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got))
		}
	}
	for i := range n {
		if i%500 != 0 {
			continue
		}
		if isNew, err := clickhouse.Append(ctx, &detector.FeedPage{Feed: "c1", Batches: []detector.Batch{batchOf(i)}}); err != nil || isNew[0] {
			t.Errorf("batch %d is new: %v, %v", i, isNew, err)
		}
	}
}

// TestOpenProcess is a process that keeps a file open, as a detector does.
func TestOpenProcess(t *testing.T) {
	path := os.Getenv(keepOpen)
	if path == "" {
		return
	}
	s, err := sqlitestore.OpenEvents(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fmt.Println("it is open")
	<-t.Context().Done() // until it is killed, or the time of tests is over
}

// TestMigrationRefusals: nothing is moved while a detector runs, between versions, or into a store
// that has reports.
func TestMigrationRefusals(t *testing.T) {
	server := clickhousetest.Start(t)
	o := optionsOf(t, server)
	dir := migrating(t, &o)
	filled(t, dir, 200)
	path := filepath.Join(dir, "store.db")

	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOpenProcess$", "-test.v")
	cmd.Env = append(os.Environ(), keepOpen+"="+path)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(pipe)
	for lines.Scan() && lines.Text() != "it is open" {
	}
	for _, dry := range []bool{true, false} {
		if _, err := migrate(t, dir, stores.Migration{DryRun: dry}); !errors.Is(err, sqlitestore.ErrRunning) {
			t.Errorf("while a detector runs (dry run: %v): %v", dry, err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if s, err := sqlitestore.OpenEvents(t.Context(), path); err != nil { // makes it one file again
		t.Fatal(err)
	} else if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	setVersion(t, path, 17)
	if _, err := migrate(t, dir, stores.Migration{}); !errors.Is(err, sqlitestore.ErrSchema) || !strings.Contains(err.Error(), "version 17") {
		t.Errorf("from an older file: %v", err)
	}
	if _, err := migrate(t, dir, stores.Migration{From: filepath.Join(dir, "none.db")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	s, err := clickhousestore.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), told(1)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	filled(t, other, 200)
	if _, err := migrate(t, dir, stores.Migration{From: filepath.Join(other, "store.db")}); !errors.Is(err, clickhousestore.ErrNotEmpty) {
		t.Errorf("into a store with a report: %v", err)
	}
}

// setVersion sets the version of a file (PRAGMA user_version, https://sqlite.org/fileformat.html).
func setVersion(t *testing.T, path string, version byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{0, 0, 0, version}, 60); err != nil {
		t.Fatal(err)
	}
}
