package sqliteinbox

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/report"
)

// BenchmarkCommit is a commit of 64 segments of one window, with ids of one minute in the order of
// time, which cost a tree least, and at random, as they are.
func BenchmarkCommit(b *testing.B) {
	const group, size = 64, 1300
	for name, factor := range map[string]uint64{"rising": 1, "random": 0x9e3779b97f4a7c15} {
		b.Run(name, func(b *testing.B) {
			i := fresh(b, Options{})
			entries := make([]collector.Entry, group)
			segment := make([]byte, size)
			body := sha256.Sum256(segment)
			n := uint64(0)
			for b.Loop() {
				for k := range entries {
					n++
					var id report.BatchID
					binary.BigEndian.PutUint32(id[:], 29_000_000)
					binary.BigEndian.PutUint64(id[4:], n*factor)
					entries[k] = collector.Entry{Body: body, Envelope: report.Envelope{Batch: id, Received: received, Collector: "c1", Country: "ZZ", Segment: segment}}
				}
				commit(b, i, entries...)
			}
			b.ReportMetric(float64(b.N*group)/b.Elapsed().Seconds(), "batches/s")
		})
	}
}
