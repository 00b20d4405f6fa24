package detector

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// Work is counted in rows, because the cost of storing and judging a batch depends on its rows. A
// segment with thousands of rows may take no more bytes than one with a few hundred.

const (
	// rows that one page stores before the rest of it must wait: less than a second of work
	pageRows = 8 * report.MaxSegmentRows
	// rows that one place may send at once, and per second, before its batches must wait until
	// there is time for them
	placeBurst, placeRate = 2 * report.MaxSegmentRows, 1_000
	// the same for one autonomous system
	networkBurst, networkRate = 8 * report.MaxSegmentRows, 8_000

	sealedBytes = 1_100 // bytes of a segment without rows
	rowBytes    = 8     // the least that a row takes
)

// place is where a batch came from, as its collector saw it. The client can choose everything else
// in a batch. Autonomous system 0 is one network, and bucket 0 is one place in it.
type place struct {
	asn    uint32
	bucket report.Bucket
}

func placeOf(e *report.Envelope) place { return place{e.ASN, e.Bucket} }

// rowsOf returns the most rows that a sealed batch can have.
func rowsOf(segment []byte) int {
	return min(1+max(len(segment)-sealedBytes, 0)/rowBytes, report.MaxSegmentRows)
}

// turn is a batch that waits for its turn.
type turn struct {
	index    int
	place    place
	rows     int
	received int64
	given    int // rows that its place, and then its network, has had once this batch is done
}

// fairly returns the indexes of batches in the order of their turns. It is deficit round robin
// without quanta over autonomous systems, and in each of them over its places, with rows as cost:
// next is the one that will have had the fewest rows. Within a place, small batches come before
// large ones, and new ones before old ones.
func fairly(all []report.Envelope) []int {
	turns := make([]turn, len(all))
	for i := range all {
		turns[i] = turn{index: i, place: placeOf(&all[i]), rows: rowsOf(all[i].Segment), received: all[i].Received}
	}
	slices.SortStableFunc(turns, func(a, b turn) int {
		return cmp.Or(cmp.Compare(a.rows, b.rows), cmp.Compare(b.received, a.received))
	})
	places, networks := map[place]int{}, map[uint32]int{}
	for i := range turns {
		t := &turns[i]
		places[t.place] += t.rows
		t.given = places[t.place]
	}
	slices.SortStableFunc(turns, func(a, b turn) int { return cmp.Compare(a.given, b.given) })
	for i := range turns {
		t := &turns[i]
		networks[t.place.asn] += t.rows
		t.given = networks[t.place.asn]
	}
	slices.SortStableFunc(turns, func(a, b turn) int { return cmp.Compare(a.given, b.given) })
	order := make([]int, len(turns))
	for i := range turns {
		order[i] = turns[i].index
	}
	return order
}

// allowance is how much may be used at once, and per second.
type allowance struct{ burst, rate float64 }

// rowBudget is how many rows places and networks may send before their batches must wait. Batches
// without a place, from a collector of an older release or without a table of networks, share only
// the page's rows with all others.
var rowBudget = budget{place: allowance{placeBurst, placeRate}, network: allowance{networkBurst, networkRate}, nowhere: allowance{math.Inf(1), 1}}

// budget is what everybody may use.
type budget struct {
	place   allowance // of a bucket in an autonomous system
	network allowance // of an autonomous system that is known
	nowhere allowance // of batches without a known network or bucket
}

// allowances counts what places and networks have used of a budget. It is safe for concurrent use.
type allowances struct {
	budget
	mu   sync.Mutex
	owed map[place]owed // guarded by mu; a network is place{asn, everywhere}
}

// everywhere is not a bucket. It stands for a whole autonomous system.
const everywhere = report.MaxBucket + 1

// owed is how much was used, minus what has been allowed since.
type owed struct {
	used float64
	at   time.Time
}

// of returns the allowance that an entry counts against. An infinite one is not counted.
func (a *allowances) of(p place) allowance {
	switch {
	case p == place{}:
		return a.nowhere
	case p.bucket == everywhere && p.asn != 0:
		return a.network
	case p.bucket == everywhere || p.bucket == 0:
		return allowance{math.Inf(1), 1}
	default:
		return a.place
	}
}

// take reports whether there is enough left for a place and for its network, and if so uses it.
func (a *allowances) take(now time.Time, p place, n int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	both := [2]place{p, {p.asn, everywhere}}
	for _, q := range both {
		if a.now(now, q)+float64(n) > a.of(q).burst {
			return false
		}
	}
	for _, q := range both {
		if !math.IsInf(a.of(q).burst, 1) {
			a.note(now, q, a.now(now, q)+float64(n))
		}
	}
	return true
}

func (a *allowances) now(now time.Time, p place) float64 {
	o := a.owed[p]
	return max(o.used-max(now.Sub(o.at), 0).Seconds()*a.of(p).rate, 0)
}

func (a *allowances) note(now time.Time, p place, used float64) {
	if a.owed == nil {
		a.owed = map[place]owed{}
	}
	if _, known := a.owed[p]; !known && len(a.owed) >= maxAllowances {
		a.forget(now)
	}
	a.owed[p] = owed{used, now}
}

// maxAllowances is the most places that are remembered. Those that owe least are forgotten first.
const maxAllowances = 16 << 10

// forget makes room: it forgets those that owe nothing any more, or else the half that owes least.
func (a *allowances) forget(now time.Time) {
	var rest []float64
	for p := range a.owed {
		if left := a.now(now, p); left > 0 {
			rest = append(rest, left)
		} else {
			delete(a.owed, p)
		}
	}
	if len(a.owed) < maxAllowances {
		return
	}
	slices.Sort(rest)
	for p, o := range a.owed {
		if o.used <= rest[len(rest)/2] {
			delete(a.owed, p)
		}
	}
}
