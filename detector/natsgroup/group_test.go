package natsgroup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// party is a group whose members talk without a server.
type party struct {
	*testing.T
	keys *seal.Keyring
	key  *seal.Key

	mu      sync.Mutex
	members map[string]*Group
	mute    map[string]bool // members that nobody hears
	hold    map[string]bool // members whose pages are lost
}

func newParty(t *testing.T, names ...string) *party {
	p := &party{T: t, members: map[string]*Group{}, mute: map[string]bool{}, hold: map[string]bool{}}
	p.keys, p.key = ring(t)
	for _, n := range names {
		g, err := New(Options{ID: "test", Member: n, Servers: []string{"nats://127.0.0.1:1"}, Metrics: prometheus.NewRegistry()})
		if err != nil {
			t.Fatal(err)
		}
		g.publish = func(kind string, message []byte) error { p.carry(n, kind, message); return nil }
		p.members[n] = g
	}
	return p
}

func (p *party) carry(from, kind string, message []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mute[from] || kind == kindPage && p.hold[from] {
		return
	}
	for _, g := range p.members {
		g.hear(kind, from, bytes.Clone(message))
	}
}

// beat has all members say that they are there until ctx ends.
func (p *party) beat(ctx context.Context) {
	for ctx.Err() == nil {
		for _, g := range p.members {
			g.say()
		}
		select {
		case <-time.After(aliveEvery):
		case <-ctx.Done():
		}
	}
}

// batches seals n batches.
func (p *party) batches(n int) (all []*report.Envelope) {
	for i := range n {
		id := report.BatchID{1, byte(i >> 8), byte(i)}
		s, err := seal.NewSealer(p.key, id)
		if err != nil {
			p.Fatal(err)
		}
		segment, err := s.Seal(s.Prefix(), fmt.Appendf(nil, "record %d", i))
		if err != nil {
			p.Fatal(err)
		}
		all = append(all, &report.Envelope{Seq: uint64(i) + 1, Batch: id, Segment: seal.AppendEnd(segment)})
	}
	return all
}

// open has members open batches, in pages of so many, and checks what they get.
func (p *party) open(ctx context.Context, batches []*report.Envelope, page int, names ...string) {
	results := make([][]detector.Opening, len(names))
	var running sync.WaitGroup
	for n, member := range names {
		running.Go(func() {
			for part := range slices.Chunk(batches, page) {
				results[n] = append(results[n], p.members[member].Open(ctx, "c1", p.keys, part)...)
			}
		})
	}
	running.Wait()
	for i, b := range batches {
		info, records, err := p.keys.Open(b.Segment)
		for n, member := range names {
			o := &results[n][i]
			if o.Info != info || !slices.EqualFunc(o.Records, records, bytes.Equal) || errors.Is(o.Err, seal.ErrOpen) != errors.Is(err, seal.ErrOpen) {
				p.Errorf("%s: batch %d is %+v, want %+v %q %v", member, b.Seq, o, info, records, err)
			}
		}
	}
}

// counts returns how a member came to its batches.
func (p *party) counts(member string) (own, taken, overtaken int) {
	m := p.members[member].metrics
	return int(value(p.T, m.own)), int(value(p.T, m.taken)), int(value(p.T, m.overtaken))
}

func value(t *testing.T, c prometheus.Counter) float64 {
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}

// run calls f while all members say that they are there.
func (p *party) run(f func(ctx context.Context)) {
	ctx, cancel := context.WithCancel(p.Context())
	var running sync.WaitGroup
	running.Go(func() { p.beat(ctx) })
	synctest.Wait()
	f(ctx)
	cancel()
	running.Wait()
}

// TestWorkIsShared: each batch is opened by one member, and each member opens its part.
func TestWorkIsShared(t *testing.T) {
	for _, names := range [][]string{{"a"}, {"a", "b"}, {"a", "b", "c", "d"}} {
		synctest.Test(t, func(t *testing.T) {
			p := newParty(t, names...)
			const n, first = 420, 20
			batches := p.batches(n)
			p.run(func(ctx context.Context) {
				// they learn of each other's positions
				p.open(ctx, batches[:first], first, names...)
				before := map[string]int{}
				for _, m := range names {
					before[m], _, _ = p.counts(m)
				}
				p.open(ctx, batches[first:], 150, names...)
				sum := 0
				for _, m := range names {
					own, taken, overtaken := p.counts(m)
					if own+taken+overtaken != n {
						t.Errorf("%s has %d own, %d taken, %d overtaken", m, own, taken, overtaken)
					}
					if overtaken > first {
						t.Errorf("%s has overtaken %d", m, overtaken)
					}
					own -= before[m]
					sum += own
					if fair := (n - first) / len(names); own < fair/2 || own > fair*3/2 {
						t.Errorf("%s has opened %d of %d", m, own, n-first)
					}
				}
				if sum != n-first {
					t.Errorf("%d of %d were opened in all", sum, n-first)
				}
			})
		})
	}
}

// TestMemberIsLost: what a member does not bring is opened by the others, soon, and then without
// waiting.
func TestMemberIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t, "a", "b", "c")
		batches := p.batches(250)
		p.run(func(ctx context.Context) {
			p.open(ctx, batches[:100], 100, "a", "b", "c")
			p.mu.Lock()
			p.mute["c"] = true
			p.mu.Unlock()
			begin := time.Now()
			p.open(ctx, batches[100:], 50, "a", "b")
			if took := time.Since(begin); took > silence+aliveEvery {
				t.Errorf("it took %v", took)
			}
		})
	})
}

// TestMemberIsSlow: a member that is there and brings nothing is waited for once.
func TestMemberIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t, "a", "b")
		batches := p.batches(250)
		p.run(func(ctx context.Context) {
			p.open(ctx, batches[:100], 100, "a", "b")
			begin := time.Now()
			p.open(ctx, batches[100:], 50, "a")
			if took := time.Since(begin); took > patience+aliveEvery {
				t.Errorf("it took %v", took)
			}
			if got := value(p.T, p.members["a"].metrics.gaveUp); got != 1 {
				t.Errorf("given up %v times", got)
			}
		})
	})
}

// TestPagesAreLost: a member that is past a batch and whose page did not come is not waited for.
func TestPagesAreLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t, "a", "b")
		batches := p.batches(250)
		p.run(func(ctx context.Context) {
			p.open(ctx, batches[:100], 100, "a", "b")
			p.hold["b"] = true
			begin := time.Now()
			p.open(ctx, batches[100:], 50, "a", "b")
			if took := time.Since(begin); took > aliveEvery {
				t.Errorf("it took %v", took)
			}
			if _, _, overtaken := p.counts("a"); overtaken < 40 {
				t.Errorf("a has overtaken %d", overtaken)
			}
		})
	})
}

// TestFarBehind: a member that is far behind in a feed shares nothing with the others.
func TestFarBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t, "a", "b")
		batches := p.batches(200)
		far := p.batches(200)
		for i := range far {
			far[i].Seq += near + 1000
		}
		p.run(func(ctx context.Context) {
			begin := time.Now()
			var running sync.WaitGroup
			running.Go(func() { p.open(ctx, batches, 50, "a") })
			running.Go(func() { p.open(ctx, far, 50, "b") })
			running.Wait()
			if took := time.Since(begin); took > 0 {
				t.Errorf("it took %v", took)
			}
		})
	})
}

// TestHostileBatches: what does not open, is malformed or is sealed to another key is what it is
// for a detector alone.
func TestHostileBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t, "a", "b")
		batches := p.batches(200)
		other, err := seal.GenerateOpenKey()
		if err != nil {
			t.Fatal(err)
		}
		p.run(func(ctx context.Context) {
			p.open(ctx, batches[:100], 100, "a", "b")
			for i, b := range batches[100:] {
				switch i % 4 {
				case 0:
					b.Segment[len(b.Segment)-10] ^= 1
				case 1:
					b.Segment = b.Segment[:len(b.Segment)-4]
				case 2:
					id := other.SealKey().ID()
					copy(b.Segment[20:], id[:])
				}
			}
			p.open(ctx, batches[100:], 50, "a", "b")
			out := p.members["a"].Open(ctx, "c1", p.keys, batches[100:104])
			for i, want := range []error{seal.ErrOpen, nil, seal.ErrUnknownKey, nil} {
				if want != nil && !errors.Is(out[i].Err, want) || i == 1 && out[i].Err == nil || i == 3 && out[i].Err != nil {
					t.Errorf("batch %d: %v", i, out[i].Err)
				}
			}
		})
	})
}

// TestSameMember: two detectors with one member's name are told.
func TestSameMember(t *testing.T) {
	m := newMembers("a")
	if err := m.hear("a", newMembers("a").say(), time.Now()); !errors.Is(err, errTwice) {
		t.Errorf("another process: %v", err)
	}
	if err := m.hear("a", m.say(), time.Now()); err != nil {
		t.Errorf("itself: %v", err)
	}
	if err := m.hear("b", []byte(`{"v":2,"life":"x","feeds":{"c1":1},"more":[1]}`), time.Now()); err != nil {
		t.Errorf("a later release: %v", err)
	}
	if all := m.sharers("c1", 1, time.Now()); !slices.Equal(all, []string{"a"}) {
		t.Errorf("%v share", all)
	}
}

func TestNamesAreChecked(t *testing.T) {
	for _, o := range []Options{{}, {ID: "g"}, {ID: "g", Member: "a.b", Servers: []string{"x"}}, {ID: "g", Member: "a"}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}

var _ detector.Opener = (*Group)(nil)

// TestNamesOfThePast: members that are gone make room for others, also if nobody asks how many
// there are.
func TestNamesOfThePast(t *testing.T) {
	m, now := newMembers("a"), time.Now()
	text := newMembers("b").say()
	for i := range 3 * maxMembers {
		if err := m.hear(fmt.Sprintf("m%d", i), text, now); err != nil {
			t.Fatalf("member %d: %v", i, err)
		}
		now = now.Add(silence)
	}
	if len(m.peers) > maxMembers {
		t.Errorf("%d members are known", len(m.peers))
	}
}
