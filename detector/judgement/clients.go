package judgement

import (
	"math"
	"math/bits"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

const (
	maxClients = 30_000
	// A client's first failure is told within seconds. When it comes so much later, and later than
	// nearly all first failures do, the client could not reach a collector either.
	heldFor = 15 * time.Second
)

// clientState is how one client with failures fares.
type clientState struct {
	first, last int64  // when failures ended, Unix ms
	ok          int64  // when the last request that succeeded did
	mixed       bool   // some succeeded between failures
	held        bool   // the first report came late
	told        int64  // when the last report of failures arrived
	places      uint64 // bitmap of what it asked for
}

// recovered reports whether the client is well again: it said so, or its reports, which were held
// up, came through at last.
func (c *clientState) recovered() bool {
	return c.ok > c.last || c.held && c.told-c.last >= heldFor.Milliseconds()
}

// clients remembers those with failures of late, in two generations.
type clients struct {
	generation int64
	now, last  table[*clientState]
	firsts     lateness // of the first failures of agents

	active struct { // of all clients, in this minute and the one before
		block     int64
		seen      table[struct{}]
		sum, past float64
	}
}

func (c *clients) turn(bin int64) {
	if g := bin / voiceBins; g != c.generation {
		c.last, c.now, c.generation = c.now, c.last, g
		c.now.clear()
	}
	if b := bin / spreadBins; b != c.active.block {
		c.active.past, c.active.sum, c.active.block = c.active.sum, 0, b
		c.active.seen.clear()
	}
}

// come counts a client among the active ones. A row that stands for many stands for many clients,
// whose number is returned unless the client was heard before in this minute.
func (c *clients) come(r *Row) (n float64) {
	before := c.active.seen.len()
	if before >= maxClients {
		return 0
	}
	if c.active.seen.add(r.Client); c.active.seen.len() > before {
		n = max(r.estimate()/float64(r.Raw), 1)
	}
	c.active.sum += n
	return n
}

func (c *clients) state(client uint64) *clientState {
	for _, t := range [...]*table[*clientState]{&c.now, &c.last} {
		if s := t.find(client); s != nil {
			return *s
		}
	}
	return nil
}

// wholly reports whether a client that failed got nothing through since, and told so at once.
func (c *clients) wholly(client uint64) bool {
	s := c.state(client)
	return s != nil && !s.mixed && s.ok <= s.last && !s.held
}

// failed notes a failure. Calm says that no incident is open, so that what is usual can be learned.
func (c *clients) failed(r *Row, calm bool) {
	s := c.state(r.Client)
	if s == nil {
		if c.now.len() >= maxClients {
			return
		}
		s = &clientState{first: r.At}
		if r.Source == report.SourceAgent {
			s.held = r.Arrived-r.At >= max(heldFor.Milliseconds(), c.firsts.nearly)
			if calm {
				c.firsts.add(r.Arrived - r.At)
			}
		}
	}
	*c.now.add(r.Client) = s
	s.mixed = s.mixed || s.ok > s.first && s.ok < r.At
	s.first, s.last, s.told = min(s.first, r.At), max(s.last, r.At), max(s.told, r.Arrived)
	s.places |= 1 << (mix(0, hashText(r.Target), hashText(r.Server)) & 63)
}

func (c *clients) succeeded(r *Row) {
	s := c.state(r.Client)
	if s == nil {
		return
	}
	s.mixed = s.mixed || r.At > s.first && r.At < s.last
	s.ok = max(s.ok, r.At)
}

// hashText is FNV-1a.
func hashText(s string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 0x100000001b3
	}
	return h
}

// fates sums up how clients fare.
type fates struct {
	n                           int
	everywhere, recovered, held int
	places                      uint64
	// of those whose reports were held up: their first and last failures, their reports
	began, ended, told moments
}

// moments is the spread of times in seconds.
type moments struct{ n, sum, squares float64 }

func (m *moments) add(ms int64) {
	x := float64(ms%1e9) / 1000
	m.n, m.sum, m.squares = m.n+1, m.sum+x, m.squares+x*x
}

func (m *moments) deviation() float64 {
	mean := m.sum / max(m.n, 1)
	return math.Sqrt(max(m.squares/max(m.n, 1)-mean*mean, 0))
}

// together reports whether clients whose reports were held up came back all at once: then they were
// cut off together, and not each by its own connection.
func (f *fates) together() bool {
	failed := max(f.began.deviation(), f.ended.deviation())
	return f.held >= 3 && failed > 45 && f.told.deviation() < 0.4*failed
}

func (f *fates) add(s *clientState) {
	if s == nil {
		return
	}
	f.n++
	f.places |= s.places
	if !s.mixed {
		f.everywhere++
	}
	if s.recovered() {
		f.recovered++
	}
	if s.held {
		f.held++
		f.began.add(s.first)
		f.ended.add(s.last)
		f.told.add(s.told)
	}
}

func (f *fates) share(n int) float64 { return float64(n) / float64(max(f.n, 1)) }

func (f *fates) targets() int { return bits.OnesCount64(f.places) }
