package detector

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// sealedTo is an envelope from a place with a segment that may have so many rows.
func sealedTo(asn uint32, bucket report.Bucket, rows int, at int64) report.Envelope {
	return report.Envelope{ASN: asn, Bucket: bucket, Received: at, Segment: make([]byte, sealedBytes+(rows-1)*rowBytes)}
}

func TestTurnsAreFairByNetworkAndPlace(t *testing.T) {
	var all []report.Envelope
	for n := range 100 { // one place shouts
		all = append(all, sealedTo(1, 1, report.MaxSegmentRows, int64(n)))
	}
	for n := range 20 { // its neighbours, and another network
		all = append(all, sealedTo(1, report.Bucket(2+n), 20, 1), sealedTo(2, 7, 40, 1))
	}
	all = append(all, sealedTo(1, 1, 20, 1)) // an honest client behind the shouting one's address
	order := fairly(all)
	if len(order) != len(all) {
		t.Fatalf("%d turns for %d batches", len(order), len(all))
	}
	shouting := slices.IndexFunc(order, func(i int) bool { return i < 100 })
	if shouting != 41 {
		t.Errorf("a large batch of the place that shouts has turn %d, want it behind all 41 small ones", shouting)
	}
	if first := order[shouting]; first != 99 {
		t.Errorf("of the large ones batch %d is first, want the newest", first)
	}
}

// Whatever comes, every batch has one turn, and who is alone waits for nobody.
func TestTurnsOfAnything(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var all []report.Envelope
		for range r.IntN(50) {
			all = append(all, sealedTo(r.Uint32N(3), report.Bucket(r.IntN(3)), 1+r.IntN(2*report.MaxSegmentRows), r.Int64N(5)))
		}
		order := slices.Sorted(slices.Values(fairly(all)))
		for i, at := range order {
			if i != at {
				t.Fatalf("turns %v of %d batches", order, len(all))
			}
		}
	}
}

func TestRowsOfSealedBatches(t *testing.T) {
	for size, want := range map[int]int{0: 1, 1: 1, sealedBytes: 1, sealedBytes + 8: 2, report.MaxSegment: report.MaxSegmentRows} {
		if got := rowsOf(make([]byte, size)); got != want {
			t.Errorf("%d bytes are %d rows, want %d", size, got, want)
		}
	}
}

func TestAPlaceHasAnAllowance(t *testing.T) {
	a := allowances{budget: rowBudget}
	now := time.Unix(1_800_000_000, 0)
	loud, quiet := place{1, 1}, place{1, 2}
	took := func(p place) (n int) {
		for a.take(now, p, report.MaxSegmentRows) {
			if n++; n > 100 {
				break
			}
		}
		return n
	}
	if n := took(loud); n != 2 || !a.take(now, quiet, 20) {
		t.Errorf("a place tells %d full segments at once, want 2, and its neighbour something", n)
	}
	now = now.Add(10 * time.Second)
	if n := took(loud); n != 1 {
		t.Errorf("after 10 s %d more, want 1", n)
	}
	many := 0
	for b := range report.Bucket(1000) {
		many += took(place{2, b + 1})
	}
	if many != 8 || !a.take(now, place{3, 1}, 20) {
		t.Errorf("a network tells %d full segments at once, want 8, and another one something", many)
	}
	if n := took(place{}); n < 100 {
		t.Errorf("who is nowhere tells %d", n)
	}
}

func TestAllowancesAreBounded(t *testing.T) {
	a := allowances{budget: rowBudget}
	now := time.Unix(1_800_000_000, 0)
	loud := place{1, 1}
	for a.take(now, loud, report.MaxSegmentRows) {
	}
	for n := range uint32(3 * maxAllowances) {
		a.take(now, place{n + 2, 1}, 20)
	}
	if len(a.owed) > maxAllowances {
		t.Errorf("%d places are remembered", len(a.owed))
	}
	if a.take(now, loud, report.MaxSegmentRows) {
		t.Error("who owed most is forgotten")
	}
}
