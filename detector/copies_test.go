package detector_test

import (
	"encoding/binary"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// cut is a segment without what follows its first frames, as anybody can make it who has seen the
// whole.
func cut(segment []byte, frames int) []byte {
	end := 1148 // of the prefix
	for range frames {
		end += 4 + int(binary.BigEndian.Uint32(segment[end:]))
	}
	return seal.AppendEnd(slices.Clone(segment[:end]))
}

// A collector that lies and was offered a segment has cut copies of it in its feed, and a segment
// of its own under the same id. What an honest collector receipted is counted all the
// same, and once.
func TestCopiesUnderOneIDKeepNothingOut(t *testing.T) {
	window := func(target string) *report.Window {
		return oneWindow(2000, report.Counter{Target: target, Outcome: report.OK, Count: 1})
	}
	id := detector.BatchNumber(1)
	whole := detector.Seal(t, id, detector.ShopHeader(1), window("https://a.test"), window("https://b.test"), window("https://c.test"))
	forged := detector.Seal(t, id, detector.ShopHeader(9), window("https://forged.test"))
	header, half := cut(whole, 1), cut(whole, 3)
	for name, order := range map[string][][]byte{
		"the header first":     {header, whole},
		"half first":           {half, whole},
		"piece by piece":       {header, half, whole},
		"forged first":         {forged, whole},
		"all, and again":       {forged, half, header, whole, forged, half, whole},
		"whole first":          {whole, half, header},
		"half without the end": {half},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				defer func() { b.stop() }()
				for i, segment := range order {
					b.inbox.put(report.Envelope{Batch: id, Received: time.Now().UnixMilli(), Collector: "c1", ASN: 64501, Country: "XA", Segment: segment})
					if i%2 == 0 { // in pages of their own, or in one
						time.Sleep(time.Second)
					}
				}
				time.Sleep(time.Second)
				got, err := b.events.Totals(t.Context(), model.TotalsQuery{Since: time.Now().Add(-time.Minute), By: model.DimensionsOf(model.ByTarget)})
				if err != nil {
					t.Fatal(err)
				}
				want := map[string]float64{"https://a.test": 1, "https://b.test": 1}
				if name != "half without the end" {
					want["https://c.test"] = 1
				}
				if slices.ContainsFunc(order, func(s []byte) bool { return slices.Equal(s, forged) }) {
					want["https://forged.test"] = 1
				}
				if len(got) != len(want) {
					t.Errorf("%+v, want %v", got, want)
				}
				for _, row := range got {
					if row.OK != want[row.Key.Target] {
						t.Errorf("%s counts %v requests, want %v", row.Key.Target, row.OK, want[row.Key.Target])
					}
				}
			})
		})
	}
}
