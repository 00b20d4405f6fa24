package wire

import (
	"errors"
	"testing"

	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/report/cbor"
)

// Readers from release 0.1.0 on know the kinds of records up to a number, and pass over the others
// by this rule. They read none of the durations, and all that comes before and after them.
func TestOlderReadersPassOverDurations(t *testing.T) {
	const latestBefore = 7
	for name, b := range goldenFiles(t) {
		if name != "durations-small" && name != "durations-full" {
			continue
		}
		d := cbor.New(b)
		if n, kind := d.Array(2), d.Uint(); n != 2 || kind <= latestBefore {
			t.Errorf("%s is a record of kind %d, which is refused", name, kind)
		}
		d.Skip()
		if err := d.Done(); err != nil || !oracleCanonical(b) {
			t.Errorf("%s is not passed over: %v", name, err)
		}
	}
}

// On the wire, buckets out of order would be others, so only the encoder can refuse them.
func TestUnsortedBucketsAreRefused(t *testing.T) {
	for _, index := range []uint8{3, 1} {
		d := durations()
		d.Histograms[1][1].Index = index
		if _, err := report.AppendRecord(nil, d); !errors.Is(err, report.ErrMalformed) {
			t.Errorf("bucket %d after 3: %v", index, err)
		}
	}
}
