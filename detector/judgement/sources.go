package judgement

import (
	"cmp"
	"maps"
	"math"
	"math/bits"
	"slices"

	"github.com/heliograph-net/heliograph/report"
)

// What makes a source a flood: so many requests or clients in a minute at least, so many times what
// the average source has, and so many times what the loudest source of its network usually has.
const (
	floodRaw     = 300
	floodClients = 30
	floodAverage = 20
	floodUsual   = 4
	usualGain    = 0.02 // of a minute in what is usual
	unknownGain  = 0.1  // of a minute in the share of sources of unknown networks
	maxSources   = 100_000
)

// loudness is what one source said in a minute.
type loudness struct {
	raw    uint64
	tokens [4]uint64 // a bitmap of hashed tokens
}

func (l *loudness) add(r *Row, seed uint64) {
	l.raw += r.Raw
	h := mix(seed, r.Client)
	l.tokens[h>>6&3] |= 1 << (h & 63)
}

// clients estimates the number of tokens by linear counting (Whang et al. 1990). It is good up to
// some 600, which is more than is asked for.
func (l *loudness) clients() float64 {
	set := 0
	for _, w := range l.tokens {
		set += bits.OnesCount64(w)
	}
	return -256 * math.Log(1-min(float64(set), 255)/256)
}

// loudest is what the loudest source of a network usually says in a minute.
type loudest struct{ raw, clients float64 }

// sources watches for machines that say far more than any other.
type sources struct {
	unknown float64         // share of the sources of late whose network is unknown
	learned bool            // a minute is over
	now     table[loudness] // by number
	usual   map[uint32]*loudest
	silent  map[source]int64 // floods, which are not listened to until a bin
}

func newSources() sources {
	return sources{usual: map[uint32]*loudest{}, silent: map[source]int64{}}
}

// number identifies a source in tables. It is not 0.
func (s source) number() uint64 { return uint64(s.asn)<<16 | uint64(s.bucket) + 1 }

// numbered is the source with a number.
func numbered(n uint64) source { n--; return source{uint32(n >> 16), report.Bucket(n & 0xffff)} }

func (s *sources) add(r *Row, seed uint64) {
	who := source{r.ASN, r.Bucket}.number()
	l := s.now.find(who)
	if l == nil {
		if s.now.len() >= maxSources {
			return
		}
		l = s.now.add(who)
	}
	l.add(r, seed)
}

// flood is a source that says far too much.
type flood struct {
	source  source
	raw     uint64
	clients float64
}

// floods are the sources that are too loud in this minute so far.
func (s *sources) floods() (floods []flood) {
	var raw, clients float64
	for _, l := range s.now.each() {
		raw += float64(min(l.raw, floodRaw))
		clients += min(l.clients(), floodClients)
	}
	n := float64(max(s.now.len(), 1))
	for number, l := range s.now.each() {
		who := numbered(number)
		u := s.usual[who.asn]
		if u == nil {
			u = &loudest{}
		}
		c, x := l.clients(), float64(l.raw)
		if x >= floodRaw && x > floodAverage*raw/n && x > floodUsual*u.raw || c >= floodClients && c > floodAverage*clients/n && c > floodUsual*u.clients {
			floods = append(floods, flood{who, l.raw, c})
		}
	}
	slices.SortFunc(floods, func(a, b flood) int { return cmp.Or(cmp.Compare(b.raw, a.raw), compareSources(a.source, b.source)) })
	return floods
}

// turn ends a minute and learns what is usual.
func (s *sources) turn(young bool) {
	top := map[uint32]loudest{}
	for number, l := range s.now.each() {
		who := numbered(number)
		if _, flood := s.silent[who]; flood {
			continue
		}
		t := top[who.asn]
		top[who.asn] = loudest{max(t.raw, float64(l.raw)), max(t.clients, l.clients())}
	}
	s.learn(top, young)
	if s.now.len() > 0 {
		x := s.unknownNow()
		if s.learned {
			x = s.unknown + unknownGain*(x-s.unknown)
		}
		s.unknown, s.learned = x, true
	}
	s.now.clear()
}

// nameless reports whether collectors do not know the networks of nearly all sources, as without a
// table of networks. Their number then says nothing, and address prefixes have to do. Sources are
// counted, not requests: one machine can invent requests, but no address prefixes.
func (s *sources) nameless() bool {
	unknown := s.unknown
	if !s.learned {
		unknown = s.unknownNow()
	}
	return unknown >= aloneShare
}

// unknownNow is the share of this minute's sources whose network is unknown.
func (s *sources) unknownNow() float64 {
	n := 0
	for number := range s.now.each() {
		if numbered(number).asn == 0 {
			n++
		}
	}
	return float64(n) / float64(max(s.now.len(), 1))
}

// learn keeps what is usual of networks that have a loud source at all.
func (s *sources) learn(top map[uint32]loudest, young bool) {
	for asn, t := range top {
		u := s.usual[asn]
		if u == nil {
			if t.raw < floodRaw/8 && t.clients < floodClients/8 || len(s.usual) >= maxSources/8 {
				continue
			}
			u = &loudest{}
			s.usual[asn] = u
		}
		gain := usualGain
		if young {
			gain = 0.5
		}
		u.raw += gain * (t.raw - u.raw)
		u.clients += gain * (t.clients - u.clients)
	}
	maps.DeleteFunc(s.usual, func(asn uint32, u *loudest) bool {
		if _, heard := top[asn]; !heard {
			u.raw -= usualGain / 10 * u.raw
			u.clients -= usualGain / 10 * u.clients
		}
		return u.raw < 1 && u.clients < 1
	})
}
