package detector

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// one is what a client at a place says of one bin.
func one(asn uint32, bucket report.Bucket, client, raw uint64, weight float64, o report.Outcome) model.Count {
	return model.Count{Series: model.Series{App: "shop", Target: shop, Outcome: o, Server: "192.0.2.1:443", ASN: asn, Country: "XA", Source: report.SourceAgent},
		Client: client, Bucket: bucket, Raw: raw, Estimated: float64(raw) * weight}
}

// What clip leaves out is told, so that stored and left out requests are all.
func TestClipTellsWhatItLeavesOut(t *testing.T) {
	var s scale
	for c := range uint64(9) {
		s.clip(noon, []model.Count{one(1, report.Bucket(c+1), c+1, 2, 1, report.OK)})
	}
	page := []model.Count{one(1, 1, 1, 500, 1, report.TCPReset), one(1, 1, 1, 300, 2, report.OK), one(1, 2, 2, 7, 1, report.TCPReset)}
	told := 0.0
	for _, c := range page {
		told += c.Estimated
	}
	b := s.clip(noon, page)
	left := page[0].Estimated + page[1].Estimated + page[2].Estimated
	if b.failed != 500-page[0].Estimated || b.ok <= 0 || math.Abs(left+b.ok+b.failed-told) > 1e-9 {
		t.Errorf("%+v left out of %v, %v are left", b, told, left)
	}
}

// sums are the requests that are reported and represented.
func sums(counts []model.Count) (raw uint64, estimated float64) {
	for i := range counts {
		raw, estimated = raw+counts[i].Raw, estimated+counts[i].Estimated
	}
	return raw, estimated
}

// What honest clients tell is stored as it is; what one makes up is stored as ten of them.
func TestWhatIsStoredIsClipped(t *testing.T) {
	var s scale
	for minute := range 5 {
		now := noon.Add(time.Duration(minute) * time.Minute)
		honest := func() (all []model.Count) {
			for c := range uint64(200) {
				all = append(all, one(64501+uint32(c)%20, report.Bucket(1+c), c+1, 1+c%5, 20, report.OK), one(64501, report.Bucket(1+c), c+1, 1, 1, report.TCPReset))
			}
			return all
		}
		page := honest()
		wantRaw, want := sums(page)
		for i := range page { // each in a batch of its own
			s.clip(now, page[i:i+1])
		}
		if raw, estimated := sums(page); raw != wantRaw || estimated != want {
			t.Errorf("minute %d: honest clients' %d requests became %d, their estimate %v became %v", minute, wantRaw, raw, want, estimated)
		}
		page = []model.Count{one(64999, 4000, 10_000, report.MaxCount, 1_000_000, report.OK)}
		page = append(page, one(64999, 4000, 10_000, report.MaxCount, 1_000_000, report.TCPReset))
		s.clip(now, page)
		if raw, estimated := sums(page); raw > 200 || estimated > 200*320 {
			t.Errorf("minute %d: one client's counters are stored as %d requests that stand for %v", minute, raw, estimated)
		}
	}
}

// Where nobody else tells of a target nothing is known of it but that no client does everything.
func TestOfAloneTargetMuchIsBelieved(t *testing.T) {
	var s scale
	page := []model.Count{one(0, 0, 1, 9000, 1, report.OK), one(0, 0, 1, 7, 20, report.TCPReset)}
	if s.clip(noon, page); page[0].Raw != 9000 || page[0].Estimated != 9000 || page[1].Estimated != 140 {
		t.Errorf("a busy client's counts became %+v", page)
	}
	page = []model.Count{one(0, 0, 1, report.MaxCount, 1_000_000, report.OK)}
	if s.clip(noon, page); page[0].Raw > lonelyLimit || page[0].Estimated > lonelyLimit*lonelyWeight {
		t.Errorf("%d requests that stand for %v", page[0].Raw, page[0].Estimated)
	}
}

func TestScalesAreBounded(t *testing.T) {
	var s scale
	for c := range uint64(30) {
		s.clip(noon, []model.Count{one(1, report.Bucket(c+1), c+1, 2, 1, report.OK)})
	}
	for n := range 3 * maxScales {
		c := one(1, 4000, 1, 1, 1, report.OK)
		c.Target = string(rune(n))
		s.clip(noon, []model.Count{c})
	}
	if len(s.populations) > maxScales {
		t.Errorf("%d populations are remembered", len(s.populations))
	}
	page := []model.Count{one(1, 4000, 1, 5000, 1, report.OK)}
	if s.clip(noon, page); page[0].Raw > 100 {
		t.Errorf("what is usual at the shop is forgotten: %d requests", page[0].Raw)
	}
}

// Spreading what is made up over many counters makes it no more.
func TestManySmallCountersAreClippedToo(t *testing.T) {
	var s scale
	for c := range uint64(30) {
		s.clip(noon, []model.Count{one(1, report.Bucket(c+1), c+1, 2, 1, report.OK)})
	}
	var page []model.Count
	for n := range 5000 {
		c := one(1, 4000, 99, 1, 1, report.HTTPError)
		c.Server = fmt.Sprint(n)
		page = append(page, c)
	}
	s.clip(noon, page)
	if _, estimated := sums(page); estimated > 100 {
		t.Errorf("5000 counters of one client stand for %v requests, want ten clients'", estimated)
	}
}

// What clients usually do in a minute is learned from whole windows, not from those that a first
// failure ended after some seconds. So who fails at all that it asks for is stored in full.
func TestShortWindowsSayLittleOfWhatIsUsual(t *testing.T) {
	var s scale
	window := func(c uint64, length time.Duration, raw uint64, o report.Outcome) []model.Count {
		all := []model.Count{one(64501, report.Bucket(1+c), c+1, raw, 1, o), one(64501, report.Bucket(1+c), c+1, 1, 1, report.HTTPError)}
		for i := range all {
			all[i].Length = length
		}
		return all
	}
	for minute := range 10 {
		now := noon.Add(time.Duration(minute) * time.Minute)
		for c := range uint64(30) {
			s.clip(now, window(c, 4*time.Second, 3, report.OK))
			if c%3 == 0 {
				s.clip(now, window(c, time.Minute, 50, report.OK))
			}
		}
	}
	page := window(1, time.Minute, 60, report.TCPReset)
	if b := s.clip(noon.Add(11*time.Minute), page); b != (beyond{}) || page[0].Raw != 60 {
		t.Errorf("%d of 60 failures are left, %+v were taken off", page[0].Raw, b)
	}
	page = window(1, time.Minute, 100_000, report.TCPReset)
	if s.clip(noon.Add(12*time.Minute), page); page[0].Raw > 640 {
		t.Errorf("%d requests of one client", page[0].Raw)
	}
}
