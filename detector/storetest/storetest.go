// Package storetest checks whether implementations of a detector's stores follow the rules of the
// interfaces. Start with [TestEvents] for a [detector.Events] and [TestState] for a
// [detector.State].
package storetest

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

// start is the time at which everything in the suites begins. It is neither a whole second nor the
// border of a bin.
var start = time.UnixMilli(1_700_000_000_000)

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

const (
	day  = 24 * time.Hour
	shop = "https://shop.test"
)

// must ends the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// closer is implemented by both stores.
type closer interface{ Close() error }

// opened opens a store and closes it at the end of the test.
func opened[S closer](t *testing.T, open func() (S, error)) S {
	t.Helper()
	s, err := open()
	must(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// id returns the n-th batch id.
func id(n int) (b report.BatchID) {
	binary.BigEndian.PutUint64(b[8:], uint64(n))
	return b
}

// client returns the hash of a client in counts.
func client(n uint64) uint64 { return sketch.Hash(sketch.Key{1}, n) }

// count returns raw requests of client n in the bin that ends so many seconds after start. A series
// without an application gets the shop's.
func count(end int, n, raw uint64, weight float64, s model.Series) model.Count {
	if s.App == "" {
		s.App, s.Target, s.Source, s.Country = "shop", shop, report.SourceAgent, "XA"
	}
	return model.Count{Series: s, Client: client(n), End: at(end), Raw: raw, Estimated: float64(raw) * weight}
}

// batch returns a batch that was received at start.
func batch(n int, counts ...model.Count) detector.Batch {
	return detector.Batch{ID: id(n), Received: start, App: "shop", Records: 2, Counts: counts}
}

// ok and reset are series of the shop.
var (
	ok    = model.Series{Outcome: report.OK}
	reset = model.Series{Outcome: report.TCPReset}
)

// appError returns a sample of application errors.
func appError(sec int, client uint64) model.Sample {
	return model.Sample{
		At: at(sec), App: "shop", Source: report.SourceAgent, Outcome: report.AppPanic, Phase: report.PhaseApplication, Country: "XA",
		Error: model.ApplicationError{Type: "runtime.boundsError", Message: "index", Stack: "main.pay pay.go:7", Fingerprint: [16]byte{1}, Count: 2}, Client: client,
	}
}
