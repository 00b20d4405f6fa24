package shown

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

var shop = Population{App: "shop", Target: "https://shop.example", Source: report.SourceAgent}

// cell is one cell of a bin: one place's requests.
type cell struct {
	of     Population
	asn    uint32
	bucket report.Bucket
	raw    uint64
	weight float64
}

func (c *cell) places() *sketch.Places {
	p := &sketch.Places{}
	p.Add(sketch.Place{Bucket: c.bucket, Raw: c.raw, Estimated: c.estimated()})
	return p
}

func (c *cell) estimated() float64 { return float64(c.raw) * max(c.weight, 1) }

// counted returns what counts of each cell.
func counted(cells []cell) (all []float64) {
	var b Bin
	for i := range cells {
		b.Add(cells[i].of, cells[i].asn, cells[i].places())
	}
	for i := range cells {
		c := &cells[i]
		all = append(all, b.Counts(c.of, c.asn, c.places(), c.estimated()))
	}
	return all
}

// honest are places in networks, with sizes as they are in the world: most small, some thousands of
// times as busy.
func honest(seed uint64, networks, places int, sigma float64) (all []cell) {
	r := rand.New(rand.NewPCG(seed, 1))
	for n := range places {
		all = append(all, cell{shop, uint32(64500 + n%networks), report.Bucket(1 + n), 1 + uint64(20*math.Exp(sigma*r.NormFloat64())), 1})
	}
	return all
}

// partners are places that tell of a target of their own.
func partners(n uint32, target string, requests uint64) (all []cell) {
	for i := range n {
		all = append(all, cell{Population{App: "api", Target: target, Source: report.SourceAgent}, 200 + i, report.Bucket(1 + i), requests, 1})
	}
	return all
}

func sum(all []float64) (s float64) {
	for _, v := range all {
		s += v
	}
	return s
}

// What honest places report counts to the last request.
func TestHonestPlacesCountInFull(t *testing.T) {
	for name, cells := range map[string][]cell{
		"alike":                    honest(1, 60, 240, 0),
		"of different sizes":       honest(2, 60, 240, .8),
		"in one network":           honest(3, 1, 240, .8),
		"in two networks":          honest(4, 2, 100, .5),
		"few":                      {{shop, 1, 1, 90, 20}, {shop, 2, 2, 1, 1}, {shop, 3, 3, 1, 1}},
		"two places":               {{shop, 1, 1, 1_000_000, 1}, {shop, 2, 2, 1, 1}},
		"four places":              {{shop, 1, 1, LonelyFloor, 20}, {shop, 2, 2, 1, 1}, {shop, 3, 3, 1, 1}, {shop, 4, 4, 1, 1}},
		"partners of another kind": append(honest(6, 60, 240, 0), partners(5, "https://api.example", 100_000)...),
		"a tool of an office":      append(honest(7, 60, 240, 0), partners(1, "https://tool.example", LonelyFloor)...),
		"no bucket is known":       {{shop, 1, 0, 1_000_000, 1}, {shop, 2, 0, 1, 1}, {shop, 3, 0, 1, 1}, {shop, 4, 1, 1, 1}},
		"an office and its people": append(honest(5, 20, 40, 0), cell{shop, 7, 4000, 200, 20}),
	} {
		for i, got := range counted(cells) {
			if got != cells[i].estimated() {
				t.Errorf("%s: %v of %+v count", name, got, cells[i])
			}
		}
	}
}

// The heavy places of mobile networks count for most of what they say, and all others in full.
func TestHeavyTailsLoseLittle(t *testing.T) {
	for seed := range uint64(20) {
		cells := honest(seed, 60, 1000, 1.5)
		all := 0.0
		for i := range cells {
			all += cells[i].estimated()
		}
		if got := sum(counted(cells)); got < .9*all {
			t.Errorf("seed %d: %.3f of all requests count", seed, got/all)
		}
	}
}

// Whatever few places say, they count for few places, and the others in full.
func TestPlacesOfStrangersWeighLittle(t *testing.T) {
	for name, c := range map[string]struct {
		honest    []cell
		strangers func(i int) (asn uint32, bucket report.Bucket)
		places    int
		most      float64 // times the honest requests
	}{
		"one /24":                            {honest(1, 60, 240, 0), func(int) (uint32, report.Bucket) { return 64999, 4000 }, 1, .05},
		"one /24 in an honest network":       {honest(1, 60, 240, 0), func(int) (uint32, report.Bucket) { return 64501, 4000 }, 1, .05},
		"one /24 for each of two collectors": {honest(1, 60, 240, 0), func(i int) (uint32, report.Bucket) { return 64999, report.Bucket(4000 + i) }, 2, .1},
		"one /24 in each of three networks":  {honest(1, 60, 240, 0), func(i int) (uint32, report.Bucket) { return uint32(64900 + i), 4000 }, 3, .15},
		"a /16 of one network":               {honest(1, 60, 240, 0), func(i int) (uint32, report.Bucket) { return 64999, report.Bucket(3000 + i) }, 256, 11},
		"two networks beside a single one":   {honest(1, 1, 240, 0), func(i int) (uint32, report.Bucket) { return uint32(64900 + i), 4000 }, 2, .1},
		"no networks are known":              {honest(1, 1, 240, 0), func(int) (uint32, report.Bucket) { return 64500, 4000 }, 1, .05},
		"few honest places":                  {honest(1, 8, 8, 0), func(int) (uint32, report.Bucket) { return 64999, 4000 }, 1, 1.3},
		"one of four places":                 {honest(1, 3, 3, 0), func(int) (uint32, report.Bucket) { return 64999, 4000 }, 1, 17},
	} {
		cells := append([]cell(nil), c.honest...)
		for n := range 2000 {
			asn, bucket := c.strangers(n % c.places)
			cells = append(cells, cell{shop, asn, bucket, 1 << 40, 1})
		}
		got, told := counted(cells), 0.0
		for i := range c.honest {
			if told += c.honest[i].estimated(); got[i] != c.honest[i].estimated() && c.honest[i].bucket != 4000 {
				t.Errorf("%s: %v of an honest place's %v requests count", name, got[i], c.honest[i].estimated())
			}
		}
		if s := sum(got[len(c.honest):]); s > c.most*told {
			t.Errorf("%s: strangers count for %.2f times the honest requests, want %v at most", name, s/told, c.most)
		}
	}
}

// Invented names are no way around: whatever of it is invented, it is one place's.
func TestInventedNamesCountForLittle(t *testing.T) {
	const honestRequests = 240 * 21
	for name, c := range map[string]struct {
		as    func(i int) Population
		nets  int
		limit float64 // requests
	}{
		"an application":         {func(int) Population { return Population{"evil", shop.Target, report.SourceAgent} }, 1, 210},
		"many applications":      {func(i int) Population { return Population{fmt.Sprint(i), shop.Target, report.SourceAgent} }, 1, 210},
		"another kind":           {func(int) Population { return Population{"shop", shop.Target, report.SourceBrowser} }, 1, 210},
		"a target":               {func(int) Population { return Population{"shop", "https://evil.example", report.SourceAgent} }, 1, LonelyFloor},
		"many targets":           {func(i int) Population { return Population{"shop", fmt.Sprint(i), report.SourceAgent} }, 1, LonelyFloor},
		"three networks":         {func(int) Population { return Population{"evil", shop.Target, report.SourceAgent} }, 3, 3 * 210},
		"three networks' target": {func(i int) Population { return Population{"evil", "https://evil.example", report.SourceAgent} }, 3, 3 * LonelyFloor},
	} {
		cells := honest(1, 60, 240, 0)
		for i := range 3000 {
			cells = append(cells, cell{c.as(i), uint32(900 + i%c.nets), 7, 1 << 40, 1})
		}
		got := counted(cells)
		if s := sum(got[:240]); s != honestRequests {
			t.Errorf("%s: %v of the honest requests count", name, s)
		}
		if s := sum(got[240:]); s > c.limit+1 {
			t.Errorf("%s: strangers count for %v requests, want %v at most", name, s, c.limit)
		}
	}
}

// One place's requests are limited over all cells of its population together, and those of other
// populations are another matter.
func TestLimitsAreOfPopulations(t *testing.T) {
	cells := honest(1, 60, 240, 0)
	busy := shop
	busy.Target = "https://busy.example"
	for n := range 240 {
		cells = append(cells, cell{busy, uint32(64500 + n%60), report.Bucket(1 + n), 5000, 1})
	}
	for range 100 {
		cells = append(cells, cell{shop, 64999, 4000, 50, 1})
	}
	got := counted(cells)
	if s := sum(got[240:480]); s != 240*5000 {
		t.Errorf("%v requests to the busy target count", s)
	}
	if s := sum(got[480:]); math.Abs(s-Factor*21) > 1e-6 {
		t.Errorf("a hundred cells of one place count for %v requests, want %d", s, Factor*21)
	}
}

// What a store of an older release has no places of, and sums without end, count as they are.
func TestOddCells(t *testing.T) {
	var b Bin
	none := &sketch.Places{}
	if got := b.Counts(shop, 1, none, 12); got != 12 {
		t.Errorf("a cell that was not added: %v", got)
	}
	b.Add(shop, 1, none)
	for n := range uint32(9) {
		c := cell{shop, n, 1, math.MaxUint64, 1}
		b.Add(shop, n, c.places())
		b.Add(shop, n, c.places())
	}
	c := cell{shop, 3, 1, math.MaxUint64, 1}
	if got := b.Counts(shop, 3, c.places(), c.estimated()); got != c.estimated() {
		t.Errorf("sums beyond all bounds: %v", got)
	}
	b.Clear()
	if got := b.Counts(shop, 3, c.places(), 5); got != 5 {
		t.Errorf("after Clear: %v", got)
	}
}

func ExampleBin() {
	var b Bin
	places := func(bucket report.Bucket, requests uint64) *sketch.Places {
		p := &sketch.Places{}
		p.Add(sketch.Place{Bucket: bucket, Raw: requests, Estimated: float64(requests)})
		return p
	}
	of := Population{App: "shop", Target: "https://shop.example", Source: report.SourceAgent}
	for n := range uint32(20) {
		b.Add(of, 64500+n, places(1, 30))
	}
	b.Add(of, 64999, places(7, 1_000_000))
	fmt.Println(b.Counts(of, 64500, places(1, 30), 30))
	fmt.Println(b.Counts(of, 64999, places(7, 1_000_000), 1_000_000))
	// Output:
	// 30
	// 300
}
