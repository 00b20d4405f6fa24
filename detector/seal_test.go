package detector

import (
	"encoding/binary"
	"testing"

	"github.com/heliograph-net/heliograph/internal/wallclock"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// TestKey is the key that Seal seals to.
var TestKey = func() *seal.OpenKey {
	k, err := seal.GenerateOpenKey()
	if err != nil {
		panic(err)
	}
	return k
}()

// SetClock gives options another clock.
func SetClock(o *Options, s wallclock.Source) { o.clock = s }

// BatchNumber is a batch id.
func BatchNumber(n uint64) (id report.BatchID) {
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

// Seal makes the segment of a batch. A []byte among the records is taken as it is.
func Seal(t testing.TB, id report.BatchID, records ...any) []byte {
	t.Helper()
	s, err := seal.NewSealer(TestKey.SealKey(), id)
	if err != nil {
		t.Fatal(err)
	}
	b := s.Prefix()
	for _, r := range records {
		raw, ok := r.([]byte)
		if !ok {
			if raw, err = report.AppendRecord(nil, r.(report.Record)); err != nil {
				t.Fatal(err)
			}
		}
		if b, err = s.Seal(b, raw); err != nil {
			t.Fatal(err)
		}
	}
	return seal.AppendEnd(b)
}

// ShopHeader is the header of one client's batches.
func ShopHeader(client uint64) *report.Header {
	h := &report.Header{Source: report.SourceAgent, App: "shop", Version: "1.2", OS: "linux", Consent: report.Diagnostics}
	binary.BigEndian.PutUint64(h.Client[:8], client)
	return h
}

// FutureRecord is of a kind that this build does not know.
var FutureRecord = []byte{0x82, 0x18, 0x63, 0xa0}

// ReadLimit is how many batches an intake reads at a time.
const ReadLimit = readLimit
