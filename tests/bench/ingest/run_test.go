package ingest_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/tests/bench/ingest"
)

// TestMain lets the test binary be the servers' process, as cmd/bench is.
func TestMain(m *testing.M) {
	if len(os.Args) == 6 && os.Args[1] == "serve" {
		if err := ingest.Serve(os.Args[2], os.Args[3], os.Args[4], ingest.Transport(os.Args[5])); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestEveryServerKeepsWhatItTakes holds the benchmark to what it measures: answers are receipts,
// and what has a receipt is stored.
func TestEveryServerKeepsWhatItTakes(t *testing.T) {
	load := ingest.Load{Connections: 4, Duration: 10 * time.Second, MaxRequests: 400}
	for _, server := range []string{ingest.Floor, ingest.Heliograph, ingest.Drained} {
		for _, counters := range []int{1, 100} {
			r, err := ingest.Run(t.Context(), t.TempDir(), ingest.Subject{Server: server, Counters: counters}, load)
			if err != nil {
				t.Errorf("%s with %d counters: %v", server, counters, err)
			} else if r.Accepted != load.MaxRequests {
				t.Errorf("%s with %d counters took %d of %d requests", server, counters, r.Accepted, load.MaxRequests)
			}
		}
	}
}

// TestEveryTransport reaches every server.
func TestEveryTransport(t *testing.T) {
	load := ingest.Load{Connections: 4, Duration: 10 * time.Second, MaxRequests: 100}
	for _, server := range []string{ingest.Floor, ingest.Heliograph} {
		for _, transport := range []ingest.Transport{ingest.Plain, ingest.Fresh, ingest.Resumed} {
			r, err := ingest.Run(t.Context(), t.TempDir(), ingest.Subject{Server: server, Counters: 1, Transport: transport}, load)
			if err != nil {
				t.Errorf("%s, %s: %v", server, transport, err)
			} else if r.Accepted != load.MaxRequests {
				t.Errorf("%s, %s: %d of %d requests", server, transport, r.Accepted, load.MaxRequests)
			}
		}
	}
}

// TestOverloadCountsWhatBecomesOfEachUpload runs a small one: how much is shed is the machine's
// business, that nothing is left out is not.
func TestOverloadCountsWhatBecomesOfEachUpload(t *testing.T) {
	for _, heed := range []bool{true, false} {
		r, err := ingest.RunOverload(t.Context(), t.TempDir(), ingest.Overload{Agents: 50, Factor: 5, Measure: 200 * time.Millisecond,
			Duration: 500 * time.Millisecond, Patience: 3 * time.Second, Heed: heed})
		if err != nil {
			t.Fatal(err)
		}
		if r.Capacity == 0 || r.Goodput == 0 || r.Memory == 0 || r.Wanted < r.Sent {
			t.Errorf("%+v", r)
		}
		if sum := r.Goodput + r.Shed + r.Lost; sum < r.Sent*0.999 || sum > r.Sent*1.001 {
			t.Errorf("%v uploads a second were sent, and %v were stored, shed or lost", r.Sent, sum)
		}
	}
}
