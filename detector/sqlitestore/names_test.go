package sqlitestore

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

func TestNamesAreFoldedWhenThereAreTooMany(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Now()
	ingest := func(n byte, target string, o report.Outcome) {
		series := model.Series{App: "shop", Target: target, Outcome: o, Server: "192.0.2.1:443", ASN: 7, Country: "XA", Source: report.SourceAgent}
		_, err := s.Ingest(t.Context(), detector.Bunch{Source: "c", Cursor: 1, Batches: []detector.Batch{{ID: report.BatchID{n}, Received: now,
			Counts: []model.Count{{Series: series, Client: 1, End: now, Raw: 1, Estimated: 1}}}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	ingest(1, "https://known.test", report.TCPReset)
	s.names.rows = maxSeries
	ingest(2, "https://known.test", report.TCPReset)
	ingest(3, "https://new.test", report.TCPReset)
	ingest(4, "https://newer.test", report.HTTPError)
	ingest(5, "https://newest.test", report.OK)
	all, err := s.Totals(t.Context(), model.TotalsQuery{Since: now.Add(-time.Second), By: model.DimensionsOf(model.ByTarget, model.ByOutcome, model.ByASN)})
	if err != nil {
		t.Fatal(err)
	}
	got := map[model.Series]float64{}
	for _, v := range all {
		got[v.Key] = v.OK + v.Failed
	}
	want := map[model.Series]float64{
		{Target: "https://known.test", Outcome: report.TCPReset, ASN: 7}: 2,
		{Target: other, Outcome: report.Unknown, ASN: 7}:                 2, {Target: other, Outcome: report.OK, ASN: 7}: 1}
	if len(got) != len(want) {
		t.Fatalf("%v", got)
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%v: %v, want %v", k, got[k], v)
		}
	}
}
