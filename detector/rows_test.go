package detector

import (
	"reflect"
	"testing"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/report"
)

func someRows() []judgement.Row {
	full := judgement.Row{At: 1_700_000_000_000, Arrived: 1_700_000_012_345, App: "shop", Version: "1.2", OS: "linux", Target: shop, Outcome: report.TCPReset, Protocol: "h2",
		Status: 503, Server: "192.0.2.1:443", Source: report.SourceBrowser, ASN: 1<<32 - 1, Country: "XA", Collector: "c1", Bucket: report.MaxBucket, Client: 1<<64 - 1, Raw: 1<<64 - 1,
		Estimated: 0.25, Took: &report.Histogram{{Index: 9, Count: 3}, {Index: report.HistogramBuckets - 1, Count: report.MaxCount}}}
	late := full
	late.At, late.Raw, late.Estimated = 0, 1, 1e300
	return []judgement.Row{full, {}, late}
}

// Rows that wait in the store are those that were stored, and damaged ones are an error.
func TestRowsAreStoredInFull(t *testing.T) {
	want := someRows()
	v := reflect.ValueOf(want[0])
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Fatalf("the test does not set %s", v.Type().Field(i).Name)
		}
	}
	text := EncodeRows(nil, []*Batch{{Rows: want[:1]}, {}, {Rows: want[1:]}})
	got, err := DecodeRows(text)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, %v\nwant %+v", got, err, want)
	}
	if got, err := DecodeRows(EncodeRows(nil, []*Batch{{}})); got != nil || err != nil {
		t.Errorf("of nothing: %v %v", got, err)
	}
	for n := 1; n < len(text); n++ {
		if rows, err := DecodeRows(text[:n]); err == nil && len(rows) >= len(want) {
			t.Errorf("%d of %d bytes give %d rows", n, len(text), len(rows))
		}
	}
}

// Rows that a release stored before there were durations are read.
func TestRowsOfVersion1(t *testing.T) {
	want := someRows()[0]
	want.Took = nil
	text := EncodeRows(nil, []*Batch{{Rows: []judgement.Row{want}}})
	text[0] = 1
	got, err := DecodeRows(text[:len(text)-1]) // a row of version 2 ends with a 0
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzDecodeRows(f *testing.F) {
	f.Add(EncodeRows(nil, []*Batch{{Rows: someRows()}}))
	f.Add([]byte{rowsVersion, 255, 255, 255, 255, 15})
	f.Fuzz(func(t *testing.T, text []byte) {
		rows, err := DecodeRows(text)
		if err != nil || len(rows) == 0 {
			return
		}
		again, err := DecodeRows(EncodeRows(nil, []*Batch{{Rows: rows}}))
		if err != nil || len(again) != len(rows) {
			t.Errorf("%d rows become %d, %v", len(rows), len(again), err)
		}
	})
}
