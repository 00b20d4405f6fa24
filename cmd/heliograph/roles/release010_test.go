package roles

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/collector/inboxes"
	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// after010 is some minutes after release 0.1.0 wrote the files of testdata/release-0.1.0.tar.gz: a
// data directory with an ongoing outage, three batches that the detector had not read when the
// collector was killed, and a client's spool with one undelivered segment.
var after010 = time.Date(2026, 11, 29, 18, 20, 0, 0, time.UTC)

// A data directory of release 0.1.0 can be opened, is upgraded, and keeps its contents.
func TestDataOfRelease010(t *testing.T) {
	dir := release010(t)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(after010)) // so that nothing in it is too old
		c, err := Load(filepath.Join(dir, ConfigName))
		if err != nil {
			t.Fatal(err)
		}
		inbox, err := c.Collector.Inbox.Open(inboxes.Options{Dir: c.dir, MaxBytes: c.Collector.MaxBytes, MaxAge: c.Collector.MaxAge.Duration})
		if err != nil {
			t.Fatal(err)
		}
		defer inbox.Close()
		events, state, err := c.Detector.Store.Open(t.Context(), c.dir)
		if err != nil {
			t.Fatal(err)
		}
		defer events.Close()
		defer state.Close()
		key, err := readKey(c.dir, c.Detector.OpenKeys[0], keyfile.ParseOpenKey)
		if err != nil {
			t.Fatal(err)
		}
		d, err := detector.New(detector.Options{
			Feeds:  map[string]detector.Feed{c.Collector.ID: localInbox{Inbox: inbox, reader: localReader(c)}},
			Events: events, State: state, Keys: seal.NewKeyring(key), Bin: c.Detector.Bin.Duration, Grace: c.Detector.Grace.Duration,
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = d.Run(ctx) })
		time.Sleep(time.Minute)
		cancel()
		running.Wait()
		check010(t, detector.Reader(events, state))
		if s, err := inbox.Stats(t.Context()); err != nil || s.Pending != 0 {
			t.Errorf("%d batches are left in the inbox, %v", s.Pending, err)
		}
	})
}

// check010 checks the contents of the old store and the three batches from the inbox.
func check010(t *testing.T, r model.Reader) {
	t.Helper()
	totals, err := r.Totals(t.Context(), model.TotalsQuery{Since: after010.Add(-time.Hour), By: model.DimensionsOf(model.ByOutcome)})
	if err != nil {
		t.Fatal(err)
	}
	want := map[report.Outcome][2]float64{report.OK: {48, 0}, report.HTTPError: {0, 48}, report.TCPRefused: {0, 51}}
	for _, total := range totals {
		if got := [2]float64{total.OK, total.Failed}; got != want[total.Key.Outcome] || total.Clients != 8 {
			t.Errorf("%s: %v of %d clients, want %v of 8", total.Key.Outcome, got, total.Clients, want[total.Key.Outcome])
		}
		delete(want, total.Key.Outcome)
	}
	if len(want) > 0 {
		t.Errorf("nothing is known of %v", want)
	}
	incidents, err := r.Incidents(t.Context(), after010.Add(-time.Hour))
	if err != nil || len(incidents) < 2 {
		t.Fatalf("%d incidents, %v", len(incidents), err)
	}
	known := map[int64]report.Outcome{1: report.HTTPError, 2: report.TCPRefused}
	for _, i := range incidents {
		if o := known[i.ID]; o == i.Outcome && i.Failed >= 40 && len(i.Evidence) > 0 {
			delete(known, i.ID)
		}
	}
	if len(known) > 0 {
		t.Errorf("incidents %v are gone; there are %+v", known, incidents)
	}
}

// The spool of a client of release 0.1.0 is delivered byte by byte.
func TestSpoolOfRelease010(t *testing.T) {
	dir := release010(t)
	signed, err := os.ReadFile(filepath.Join(dir, "policy"))
	if err != nil {
		t.Fatal(err)
	}
	segments, err := filepath.Glob(filepath.Join(dir, "spool-of-a-client", "*.seg"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("%v, %v", segments, err)
	}
	segment, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(after010))
		spool, err := diskspool.Open(filepath.Join(dir, "spool-of-a-client"), diskspool.Options{})
		if err != nil {
			t.Fatal(err)
		}
		taken := &taker{}
		a, err := agent.New(agent.Options{App: "heliograph-get", Policy: signed, Consent: report.Diagnostics, Spool: spool, Transport: taken})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_ = a.Flush(ctx)
		_ = a.Shutdown(ctx) // the segment stays, because taker signs no receipt
		if len(taken.segments) == 0 || string(taken.segments[0]) != string(segment) {
			t.Errorf("%d segments were offered, and not the one of before", len(taken.segments))
		}
	})
}

// taker records what it is offered. Its answers are not receipts.
type taker struct{ segments [][]byte }

func (k *taker) Deliver(_ context.Context, _ policy.Collector, _ report.BatchID, _, segment []byte) agent.Response {
	k.segments = append(k.segments, segment)
	return agent.Response{Outcome: report.TCPRefused}
}

func (*taker) FetchPolicy(context.Context, policy.Collector, string) agent.Response {
	return agent.Response{Outcome: report.TCPRefused}
}

func (*taker) Close() {}

// release010 unpacks the data directory.
func release010(t *testing.T) string {
	t.Helper()
	f, err := os.Open("testdata/release-0.1.0.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for archive := tar.NewReader(z); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if h.FileInfo().IsDir() {
			err = os.MkdirAll(path, 0o700)
		} else {
			err = unpack(path, h, archive)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func unpack(path string, h *tar.Header, from io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, h.FileInfo().Mode())
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}
