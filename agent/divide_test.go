package agent

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// one is a histogram of one duration.
func one(index uint8) report.Histogram {
	return report.Histogram{{Index: index, Count: 1}}
}

// Durations go with the part of a window that has their group.
func TestDurationsAreDivided(t *testing.T) {
	w := &report.Window{Counters: []report.Counter{
		{Target: "a", Outcome: "ok"}, {Target: "b", Outcome: "ok", Status: 200}, {Target: "b", Outcome: "ok", Status: 204}, {Target: "c", Outcome: "ok"},
	}}
	all := &report.Durations{Histograms: []report.Histogram{one(1), one(2), one(3)}}
	list := func(h ...report.Histogram) *report.Durations { return &report.Durations{Histograms: h} }
	for n, want := range map[int][2]*report.Durations{
		1: {list(one(1)), list(one(2), one(3))},
		2: {list(one(1)), list(nil, one(3))}, // the group of b is divided
		3: {list(one(1), one(2)), list(one(3))},
	} {
		first, second := split(all, w, n)
		if got := [2]*report.Durations{first, second}; !reflect.DeepEqual(got, want) {
			t.Errorf("divided after %d: %+v and %+v", n, first, second)
		}
	}
	if first, second := split(list(nil, one(2)), w, 1); first != nil || !reflect.DeepEqual(second, list(one(2))) {
		t.Errorf("%+v and %+v", first, second)
	}
}

// A window and its durations are in one segment, or the next has both.
func TestDurationsStayWithTheirWindow(t *testing.T) {
	key, err := seal.GenerateOpenKey()
	if err != nil {
		t.Fatal(err)
	}
	it := item{
		at:        time.Now(),
		record:    &report.Window{Length: 1, SampledPPM: report.FullPPM, Counters: []report.Counter{{Target: "https://shop.test", Outcome: report.OK, Count: 1}}},
		durations: &report.Durations{Histograms: []report.Histogram{one(9)}},
	}
	window, err := it.appendTo(nil, it.at)
	if err != nil {
		t.Fatal(err)
	}
	durations, err := report.AppendRecord(nil, it.durations)
	if err != nil {
		t.Fatal(err)
	}
	const overhead = 4 + 16 // of a frame
	header := &report.Header{Source: report.SourceAgent, App: "shop", Consent: report.Counts}
	for room, want := range map[int]int{
		len(window) + overhead:                               0,
		len(window) + len(durations) + 2*overhead - 1:        0,
		len(window) + len(durations) + 2*overhead:            1,
		2*(len(window)+len(durations)+2*overhead) - overhead: 1,
		2 * (len(window) + len(durations) + 2*overhead):      2,
	} {
		sealer, err := seal.NewSealer(key.SealKey(), report.BatchID{1})
		if err != nil {
			t.Fatal(err)
		}
		fill(t, sealer, room, overhead)
		s := &openSegment{birth: it.at, sealer: sealer, consent: header.Consent, source: header.Source}
		frames, n, err := s.pack(header, nil, []item{it, it})
		if n != want || (err != nil) != (n < 2) || err != nil && !errors.Is(err, errSegmentFull) {
			t.Errorf("a room of %d bytes holds %d, want %d, %v", room, n, want, err)
		}
		if len(frames) != n*(len(window)+len(durations)+2*overhead) {
			t.Errorf("%d windows take %d bytes", n, len(frames))
		}
	}
}

// fill leaves so many bytes of a segment.
func fill(t *testing.T, s *seal.Sealer, room, overhead int) {
	t.Helper()
	for left := report.MaxSegment - len(s.Prefix()) - 4 - room; left > 0; {
		n := min(left-overhead, report.MaxRecord)
		if rest := left - overhead - n; rest > 0 && rest <= overhead {
			n -= 2 * overhead
		}
		if _, err := s.Seal(nil, make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		left -= n + overhead
	}
}
