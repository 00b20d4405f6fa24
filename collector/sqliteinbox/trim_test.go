package sqliteinbox

import (
	"crypto/sha256"
	"testing"

	"github.com/heliograph-net/heliograph/collector"
)

// What was acknowledged leaves its id behind, and however many those are, there is room for more
// batches. The newest ids are remembered.
func TestIDsNeverFillTheInbox(t *testing.T) {
	const round, rounds = 500, 60 // ids of 3.8 MiB
	for name, invented := range map[string]bool{"in the order of time": false, "in no order": true} {
		t.Run(name, func(t *testing.T) {
			i := fresh(t, Options{MaxBytes: 2 << 20})
			var last []collector.Entry
			for n := range rounds {
				last = entries(n*round, (n+1)*round, 100)
				for k := range last {
					if invented {
						sum := sha256.Sum256(last[k].Envelope.Batch[:])
						copy(last[k].Envelope.Batch[:], sum[:])
					}
				}
				commit(t, i, last...)
				ack(t, i, stats(t, i).Head)
			}
			if s := stats(t, i); s.Pending != 0 || s.Bytes > s.MaxBytes*3/4 {
				t.Errorf("%d of %d bytes are in use, %d batches wait", s.Bytes, s.MaxBytes, s.Pending)
			}
			for k, status := range commit(t, i, last...) {
				if status != collector.StatusDuplicate {
					t.Fatalf("number %d of the newest batches is %d, want a duplicate", k, status)
				}
			}
		})
	}
}
