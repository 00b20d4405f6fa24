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
	if len(os.Args) == 5 && os.Args[1] == "serve" {
		if err := ingest.Serve(os.Args[2], os.Args[3], os.Args[4]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestEveryServerKeepsWhatItTakes holds the benchmark to what it measures: answers are receipts, and what has a receipt is stored.
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
