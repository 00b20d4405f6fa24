//go:build cgo

package clickhousestore

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/detector/storetest"
	"github.com/heliograph-net/heliograph/internal/clickhousetest"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// start starts a server. If there is none on this machine, it skips the test, or fails where make
// test runs, which installs one.
func start(t *testing.T) *clickhousetest.Server {
	t.Helper()
	if !clickhousetest.Installed() && os.Getenv("HELIOGRAPH_TEST_NOTHING_MISSING") == "" {
		t.Skip("there is no clickhouse-server: run tests/setup.sh")
	}
	return clickhousetest.Start(t)
}

func optionsOf(t *testing.T, server *clickhousetest.Server) Options {
	t.Helper()
	return Options{Address: server.Address(), Password: clickhousetest.Password, Database: server.Database(t), Journal: filepath.Join(t.TempDir(), "journal.db"), Lag: -1}
}

// TestEvents runs the tests of all stores, with sums in the journal and with sums in ClickHouse.
func TestEvents(t *testing.T) {
	server := start(t)
	for name, eager := range map[string]bool{"sums in the journal": false, "sums in ClickHouse": true} {
		t.Run(name, func(t *testing.T) {
			storetest.TestEvents(t, func(t *testing.T) func() (detector.Events, error) {
				o := optionsOf(t, server)
				return func() (detector.Events, error) {
					s, err := Open(t.Context(), o)
					if err != nil {
						return nil, err
					}
					s.eager = eager
					return s, nil
				}
			})
		})
	}
}

// cutter passes connections on to a server. It cuts each off after so many bytes of the server's
// answers.
type cutter struct {
	listener net.Listener
	to       string
	most     atomic.Int64 // bytes; 0: any number
	group    sync.WaitGroup
}

func newCutter(t *testing.T, to string) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{listener: l, to: to}
	c.group.Go(c.accept)
	t.Cleanup(func() {
		l.Close()
		c.group.Wait()
	})
	return c
}

func (c *cutter) accept() {
	for {
		client, err := c.listener.Accept()
		if err != nil {
			return
		}
		c.group.Go(func() { c.pass(client) })
	}
}

func (c *cutter) pass(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer server.Close()
	c.group.Go(func() {
		_, _ = io.Copy(server, client)
		server.Close()
	})
	if most := c.most.Load(); most > 0 {
		_, _ = io.CopyN(client, server, most)
	} else {
		_, _ = io.Copy(client, server)
	}
}

// told returns a page with one batch that has something for each table.
func told(n int) *detector.FeedPage {
	// three days, so several insertions a table
	at := time.UnixMilli(1_700_000_000_000).Add(time.Duration(n%3) * 24 * time.Hour)
	series := model.Series{App: "shop", Target: "https://shop.test", Outcome: report.OK, Source: report.SourceAgent, Country: "XA"}
	b := detector.Batch{ID: report.BatchID{byte(n >> 8), byte(n)}, Received: at, App: "shop", Records: 1,
		Counts:  []model.Count{{Series: series, Client: uint64(n + 1), End: at, Raw: 1, Estimated: 1}},
		Rows:    []judgement.Row{{At: at.UnixMilli(), Arrived: at.UnixMilli(), App: "shop", Target: series.Target, Outcome: report.OK, Client: uint64(n + 1), Raw: 1, Estimated: 1}},
		Samples: []model.Sample{{At: at, App: "shop", Outcome: report.AppPanic, Client: uint64(n + 1), Error: model.ApplicationError{Fingerprint: [16]byte{1}, Count: 1}}},
		Probes:  []model.ProbeResult{{Vantage: "v1", Target: model.ProbeTarget{Name: fmt.Sprint(n)}, At: at}},
		Timed:   []model.Timed{{At: at, Target: series.Target, Histogram: report.Histogram{{Index: 9, Count: 1}}, Weight: 1}}}
	return &detector.FeedPage{Feed: "c1", Batches: []detector.Batch{b}}
}

// has checks that every table has n batches of told once.
func has(t *testing.T, s *Events, n int) {
	t.Helper()
	ctx := t.Context()
	if err := s.moveSums(ctx, time.Now()); err != nil {
		t.Fatal(err)
	}
	total, err := s.Totals(ctx, model.TotalsQuery{})
	if err != nil || total[0].OK != float64(n) {
		t.Errorf("totals are %+v, %v; want %d", total, err, n)
	}
	if batches, err := s.Batches(ctx, time.Time{}); err != nil || batches != uint64(n) {
		t.Errorf("%d batches, %v; want %d", batches, err, n)
	}
	if samples, err := s.Samples(ctx, model.SampleQuery{Limit: 1000}); err != nil || len(samples) != n {
		t.Errorf("%d samples, %v; want %d", len(samples), err, n)
	}
	if probes, err := s.ProbeResults(ctx, model.ProbeQuery{Limit: 1000}); err != nil || len(probes) != n {
		t.Errorf("%d probe results, %v; want %d", len(probes), err, n)
	}
	causes, err := s.Fingerprints(ctx, model.FingerprintQuery{})
	if err != nil || len(causes) != 1 || causes[0].Errors != uint64(n) || causes[0].Clients != uint64(n) {
		t.Errorf("causes are %+v, %v; want %d errors", causes, err, n)
	}
	requests, errs, timed := 0.0, 0.0, 0.0
	for _, of := range []bool{false, true} {
		rollups, err := s.Rollups(ctx, model.RollupQuery{Step: model.RollupHour, Errors: of})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rollups {
			requests, errs = requests+r.OK, errs+r.Failed
		}
	}
	latencies, err := s.Latencies(ctx, model.LatencyQuery{Step: model.RollupHour, Until: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range latencies {
		timed += l.Latency.Requests()
	}
	if requests != float64(n) || errs != float64(n) || timed != float64(n) {
		t.Errorf("%v requests, %v errors and %v durations in the rollups, want %d of each", requests, errs, timed, n)
	}
}

// TestAnswersThatGetLost: however much of the server's answers arrives, each row is stored once.
func TestAnswersThatGetLost(t *testing.T) {
	server := start(t)
	between := newCutter(t, server.Address())
	o := optionsOf(t, server)
	o.Address = between.listener.Addr().String()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { s.Close() }()
	n, failures := 0, 0
	for most := int64(1); most < 6000; most += most/8 + 50 {
		between.most.Store(0)
		if s, err = reopened(t, s, o); err != nil { // without connections that were cut off
			t.Fatal(err)
		}
		for range 3 {
			if _, err := s.Append(t.Context(), told(n)); err != nil {
				t.Fatal(err)
			}
			n++
		}
		if err := s.Judged(t.Context(), 1<<40); err != nil {
			t.Fatal(err)
		}
		between.most.Store(most)
		if s, err = reopened(t, s, o); err != nil { // with connections that are cut off
			between.most.Store(0)
			if s, err = Open(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if s.moveSums(t.Context(), time.Now()) != nil {
			failures++
		}
	}
	between.most.Store(0)
	if s, err = reopened(t, s, o); err != nil {
		t.Fatal(err)
	}
	has(t, s, n)
	if failures < 5 {
		t.Errorf("only %d insertions were cut off", failures)
	}
}

// reopened closes a store and opens it again.
func reopened(t *testing.T, s *Events, o Options) (*Events, error) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return Open(t.Context(), o)
}
