package detection

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/detector/replay"
	"github.com/heliograph-net/heliograph/simulate"
)

// play is one run of a scenario: what the detector and its peers made of it. It is a simulate.Sink.
type play struct {
	judge  *judgement.Judge
	in     replay.Rows
	events []judgement.Event
	rules  []rule
	alarms [][]firing // by rule
	now    int64
	cells  int
}

// firing is an alarm of a simple rule.
type firing struct {
	at int64
	key
}

func newPlay(o judgement.Options, withPeers bool) (*play, error) {
	judge, err := judgement.New(o)
	if err != nil {
		return nil, err
	}
	p := &play{judge: judge, in: replay.Rows{Judge: judge}}
	if withPeers {
		p.alarms = make([][]firing, len(peers))
		for i, peer := range peers {
			p.rules = append(p.rules, peer.make(func(now int64, k key) { p.alarms[i] = append(p.alarms[i], firing{now, k}) }))
		}
	}
	return p, nil
}

// Row takes a row, as a replay would.
func (p *play) Row(r simulate.Row) error {
	p.reach(r.Arrived)
	p.in.Add(r)
	p.cells++
	for _, rule := range p.rules {
		rule.row(&r)
	}
	return nil
}

// Probe takes the result of a probe.
func (p *play) Probe(r simulate.Probe) error {
	p.reach(r.At)
	p.judge.AddProbe(r)
	return nil
}

// Tick moves the time.
func (p *play) Tick(now int64) error {
	p.reach(now)
	p.advance()
	for _, rule := range p.rules {
		rule.tick(now)
	}
	return nil
}

func (p *play) reach(t int64) {
	if t > p.now {
		p.advance()
		p.now = t
	}
}

func (p *play) advance() { p.events = append(p.events, p.judge.Advance(p.now)...) }

// names reports whether a truth speaks of a simple rule's series: a value of its scope, or everyone
// if everyone is hit.
func names(s *simulate.Scope, k key) bool {
	switch k.dimension {
	case "asn":
		return slices.ContainsFunc(s.ASN, func(n uint32) bool { return strconv.FormatUint(uint64(n), 10) == k.value })
	case "server":
		return slices.Contains(s.Server, k.value)
	case "country":
		return slices.Contains(s.Country, k.value)
	case "version":
		return slices.Contains(s.Version, k.value)
	case "protocol":
		return slices.Contains(s.Protocol, k.value)
	default: // a rule that looks at everyone has found whatever it alarms about
		return true
	}
}

// exact reports whether an explanation names exactly who is hit.
func exact(s *judgement.Scope, t *simulate.Scope) bool {
	return same(s.ASN, t.ASN) && same(s.Server, t.Server) && same(s.Country, t.Country) && same(s.Version, t.Version) &&
		same(s.OS, t.OS) && same(s.Protocol, t.Protocol) && same(s.Collector, t.Collector) && len(s.Status) == 0
}

func same[T cmp.Ordered](a, b []T) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
