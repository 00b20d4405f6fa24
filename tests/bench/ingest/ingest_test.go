package ingest_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/tests/bench/measure"
)

// BenchmarkInboxCommit is the collector's inbox without HTTP: groups of so many batches of
// 1,319 bytes, with ids as agents make them (random within a minute) and with ids that only rise,
// which is as cheap as their index can be. An operation is one batch.
func BenchmarkInboxCommit(b *testing.B) {
	for _, ids := range []string{"random", "rising"} {
		for _, group := range []int{1, 32, 64, 1000} {
			b.Run(fmt.Sprintf("%s-%d", ids, group), func(b *testing.B) { commit(b, group, ids == "rising") })
		}
	}
}

func commit(b *testing.B, group int, rising bool) {
	inbox, err := sqliteinbox.Open(filepath.Join(b.TempDir(), "inbox.db"), sqliteinbox.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer inbox.Close()
	segment := make([]byte, 1319)
	rng := rand.NewChaCha8([32]byte{1})
	_, _ = rng.Read(segment)
	body := sha256.Sum256(segment)
	entries := make([]collector.Entry, group)
	n := uint64(0)
	m := measure.Start(b)
	defer m.End()
	for b.Loop() {
		n++
		e := &entries[n%uint64(group)]
		*e = collector.Entry{Body: body, Envelope: report.Envelope{
			Received: time.Now().UnixMilli(), Collector: "c1", ASN: 64501, Country: "DE", Segment: segment,
		}}
		id := &e.Envelope.Batch
		binary.BigEndian.PutUint32(id[:], uint32(time.Now().Unix()/60))
		if rising {
			binary.BigEndian.PutUint64(id[4:], n)
		} else {
			_, _ = rng.Read(id[4:])
		}
		if n%uint64(group) == 0 {
			if _, err := inbox.Commit(b.Context(), entries); err != nil {
				b.Fatal(err)
			}
		}
	}
}
