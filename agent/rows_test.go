package agent

import (
	"errors"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// A detector takes so many rows of a segment and no more; what follows goes into the next one.
func TestASegmentIsFullOfRows(t *testing.T) {
	key, err := seal.GenerateOpenKey()
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := seal.NewSealer(key.SealKey(), report.BatchID{1})
	if err != nil {
		t.Fatal(err)
	}
	var counters []report.Counter
	for n := range uint16(report.MaxCounters) {
		counters = append(counters, report.Counter{Target: "https://shop.test", Outcome: report.OK, Status: n / 4, Flags: report.Flags(n % 4), Count: 1})
	}
	var items []item
	for range report.MaxSegmentRows/report.MaxCounters + 1 {
		items = append(items, item{at: time.Now(), record: &report.Window{Length: 1, SampledPPM: report.FullPPM, Counters: counters}})
	}
	s := &openSegment{birth: time.Now(), sealer: sealer}
	header := &report.Header{Source: report.SourceAgent, App: "shop", Consent: report.Counts}
	if _, n, err := s.pack(header, nil, items); n != len(items)-1 || !errors.Is(err, errSegmentFull) {
		t.Errorf("%d of %d windows are packed, %v; want all but one", n, len(items), err)
	}
	sample := item{at: time.Now(), record: &report.Sample{URL: "https://shop.test/", Method: "GET", Outcome: report.TCPReset, Phase: report.PhaseConnection}}
	if _, n, err := s.pack(header, nil, []item{sample}); n != 0 || !errors.Is(err, errSegmentFull) {
		t.Errorf("%d samples are packed behind them, %v", n, err)
	}
}
