package agent

import (
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

// A sample's place is reserved under the lock, and filled after its URL was scrubbed outside of it.
func TestNetworkChangesWhileASampleIsFilled(t *testing.T) {
	w := &window{maxSamples: 1}
	r := &recorder{window: w}
	place := w.admit(func(uint64) uint64 { return 0 })
	w.networkChanged()
	r.fill(w, place, sample{record: report.Sample{Outcome: report.TCPReset, Flags: report.FlagRetry}})
	if got, want := w.samples[place].record.Flags, report.FlagRetry|report.FlagNetworkChanged; got != want {
		t.Errorf("flags %b, want %b", got, want)
	}
}
