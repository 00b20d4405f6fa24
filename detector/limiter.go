package detector

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"math/rand/v2"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// maxStored is the most series that are distinguished at a time. Their names come from clients.
const maxStored = 1_000_000

// other replaces the names of series if one place brings too many.
const other = "(other)"

// seriesBudget is how many new series a place and an autonomous system may bring at once and per
// second. When it is used up, requests are counted under coarser series until there is room again:
// first without server, protocol and status, and then without application and target.
var seriesBudget = budget{place: allowance{1000, .25}, network: allowance{20_000, 2}, nowhere: allowance{200_000, 20}}

// coarseBudget is the same for series without server, protocol and status.
var coarseBudget = budget{place: allowance{200, .05}, network: allowance{4000, .5}, nowhere: allowance{20_000, 2}}

// limiter bounds the number of series in the store, and how many new ones a place may bring, so
// that one place does not displace the series of others. If there are too many, the ones used least
// are forgotten, in the autonomous system that has the most. Nothing of them is deleted, and they
// may come again. The limiter keeps a hash of each series. Make one with newLimiter. It is not safe
// for concurrent use.
type limiter struct {
	seed     maphash.Seed
	rand     *rand.Rand
	most     int
	known    map[uint64]*knownSeries // nil: not loaded
	networks map[uint32]*network
	before   map[uint64]*knownSeries // known before forget
	fine     *allowances             // for series in full
	coarse   *allowances             // for those without server, protocol and status
	stats    limiterStats
}

// limiterStats counts what has happened since the last call of tell.
type limiterStats struct{ coarse, other, evicted uint64 }

// tell adds what has happened since its last call to the metrics.
func (l *limiter) tell(m *metrics) {
	m.series.Set(float64(len(l.known)))
	m.reduced.WithLabelValues("coarse").Add(float64(l.stats.coarse))
	m.reduced.WithLabelValues("other").Add(float64(l.stats.other))
	m.evicted.Add(float64(l.stats.evicted))
	l.stats = limiterStats{}
}

// knownSeries is a series that is distinguished.
type knownSeries struct {
	hash uint64
	at   int // in network.series
	net  *network
	app  uint64 // hash
	uses uint16 // minutes in which it was counted
	last int64  // of them, from 1 January 1970
}

// network has the series of one autonomous system.
type network struct {
	asn    uint32
	series []*knownSeries
	apps   map[uint64]int // how many of the series each has
}

func newLimiter() limiter {
	return limiter{seed: maphash.MakeSeed(), rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), most: maxStored,
		fine: &allowances{budget: seriesBudget}, coarse: &allowances{budget: coarseBudget}}
}

// load reads the series in the store, once. If its database does not answer, load begins with those
// that are met from now on, until prune makes it read again.
func (l *limiter) load(ctx context.Context, events Events) error {
	if l.known != nil {
		return nil
	}
	before := l.before
	l.known, l.networks, l.before = map[uint64]*knownSeries{}, map[uint32]*network{}, nil
	if err := events.EachSeries(ctx, func(s model.Series) error {
		hash := l.hash(s)
		if l.known[hash] != nil { // in two stores that were merged
			return nil
		}
		l.insert(hash, s, 0)
		if old, k := before[hash], l.known[hash]; old != nil {
			k.uses, k.last = old.uses, old.last
		}
		return nil
	}); err != nil && !errors.Is(err, model.ErrAway) {
		l.known, l.before = nil, before
		return err
	}
	return nil
}

func (l *limiter) hash(s model.Series) uint64 { return maphash.Comparable(l.seed, s) }

// forget makes the next load read the store again.
func (l *limiter) forget() { l.known, l.networks, l.before = nil, nil, l.known }

// admit returns the series under which s, from a client at a place, is counted: s itself, or a
// coarser one if the place or its network has brought too many.
func (l *limiter) admit(now time.Time, from place, s model.Series) model.Series {
	minute := now.Unix() / 60
	if l.use(l.hash(s), minute) {
		return s
	}
	if l.fine.take(now, from, 1) {
		l.insert(l.hash(s), s, minute)
		return s
	}
	rough := s
	rough.Server, rough.Protocol, rough.Status = "", "", 0
	hash := l.hash(rough)
	if !l.use(hash, minute) {
		if !l.coarse.take(now, from, 1) {
			l.stats.other++
			return reduce(s)
		}
		l.insert(hash, rough, minute)
	}
	l.stats.coarse++
	return rough
}

// use records that a series is counted, and reports whether it is known.
func (l *limiter) use(hash uint64, minute int64) bool {
	k := l.known[hash]
	if k == nil {
		return false
	}
	if k.last != minute {
		k.last = minute
		k.uses = min(k.uses, 1<<16-2) + 1
	}
	return true
}

func (l *limiter) insert(hash uint64, s model.Series, minute int64) {
	if len(l.known) >= l.most {
		l.evict()
	}
	n := l.networks[s.ASN]
	if n == nil {
		n = &network{asn: s.ASN, apps: map[uint64]int{}}
		l.networks[s.ASN] = n
	}
	k := &knownSeries{hash: hash, at: len(n.series), net: n, app: maphash.String(l.seed, s.App), last: minute}
	if minute > 0 {
		k.uses = 1
	}
	l.known[hash] = k
	n.series = append(n.series, k)
	n.apps[k.app]++
}

const (
	evictAtOnce = 64 // series, so that the largest network is not looked for each time
	evictSample = 16 // of which the one that is used least goes
)

// evict forgets series of the network that has the most.
func (l *limiter) evict() {
	var most *network
	for _, n := range l.networks {
		if most == nil || len(n.series) > len(most.series) || len(n.series) == len(most.series) && n.asn < most.asn {
			most = n
		}
	}
	for range min(evictAtOnce, max(len(most.series)/evictSample, 1)) {
		worst := most.series[l.rand.IntN(len(most.series))]
		for range min(evictSample, len(most.series)) {
			if k := most.series[l.rand.IntN(len(most.series))]; lessUsed(k, worst) {
				worst = k
			}
		}
		l.remove(worst)
	}
}

// lessUsed reports whether a is forgotten before b: the one counted in fewer minutes, then the one
// whose application has more series, then the one counted earlier.
func lessUsed(a, b *knownSeries) bool {
	return cmp.Or(cmp.Compare(a.uses, b.uses), -cmp.Compare(a.net.apps[a.app], b.net.apps[b.app]), cmp.Compare(a.last, b.last)) < 0
}

func (l *limiter) remove(k *knownSeries) {
	n := k.net
	last := n.series[len(n.series)-1]
	n.series[k.at], last.at = last, k.at
	n.series = n.series[:len(n.series)-1]
	if n.apps[k.app]--; n.apps[k.app] == 0 {
		delete(n.apps, k.app)
	}
	if len(n.series) == 0 {
		delete(l.networks, n.asn)
	}
	delete(l.known, k.hash)
	l.stats.evicted++
}

// reduce removes from a series the dimensions that have many values.
func reduce(s model.Series) model.Series {
	if s.Outcome != report.OK {
		s.Outcome = report.Unknown
	}
	return model.Series{App: other, Target: other, Outcome: s.Outcome, ASN: s.ASN, Country: s.Country, Source: s.Source, Flags: s.Flags}
}
