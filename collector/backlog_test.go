package collector

import (
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// stock is an inbox of a test, in batches of one byte.
type stock struct {
	now                    time.Time
	stored, read           uint64
	arrived                []time.Time // by number
	max                    int64
	seen                   time.Time
	sheds, refused, peaked int
}

func (s *stock) stats() InboxStats {
	v := InboxStats{Head: s.stored, Acked: s.read, Pending: s.stored - s.read, Bytes: int64(s.stored - s.read), MaxBytes: s.max,
		Readers: []ReaderStats{{Name: "d", Acked: s.read, Seen: s.seen}}}
	v.Full = v.Bytes >= s.max
	if v.Pending > 0 {
		v.Oldest = s.arrived[s.read]
	}
	return v
}

// second lets agents upload, and the detector read, for a second.
func (s *stock) second(b *backlog, uploads, reads int) {
	for range uploads {
		switch {
		case !b.admits(s.now):
			s.sheds++
		case int64(s.stored-s.read) >= s.max:
			s.refused++
		default:
			s.stored++
			s.arrived = append(s.arrived, s.now)
		}
	}
	if reads > 0 {
		s.seen = s.now
	}
	s.read = min(s.read+uint64(reads), s.stored)
	s.peaked = max(s.peaked, int(s.stored-s.read))
	s.now = s.now.Add(time.Second)
	b.note(s.now, s.stats())
}

func newStock(max int64) (*stock, *backlog) {
	return &stock{now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), max: max}, &backlog{log: slog.New(slog.DiscardHandler), begin: defaultSlowDownAt}
}

func TestBacklogShedsNothingWhileDetectorsRead(t *testing.T) {
	s, b := newStock(10_000)
	for range 1200 {
		s.second(b, 100, 100)
	}
	if s.sheds+s.refused > 0 {
		t.Errorf("%d uploads were shed, %d refused", s.sheds, s.refused)
	}
}

// A detector that reads at a third of what arrives: the inbox is never full, and as much is taken
// as the detector reads.
func TestBacklogFindsTheRateOfASlowDetector(t *testing.T) {
	s, b := newStock(10_000)
	for range 300 {
		s.second(b, 90, 30)
	}
	if s.sheds == 0 {
		t.Fatal("nothing was shed")
	}
	taken := s.stored
	for range 300 {
		s.second(b, 90, 30)
	}
	if rate := float64(s.stored-taken) / 300; s.refused > 0 || s.peaked >= int(s.max) || rate < 27 || rate > 33 {
		t.Errorf("%.1f batches a second were taken, the detector reads 30; %d were refused, and the inbox had up to %d of %d", rate, s.refused, s.peaked, s.max)
	}
	for range 1000 {
		s.second(b, 10, 30)
	}
	if shed := s.sheds; b.shedding() != 0 {
		t.Errorf("%d were shed, and %.2f of all still are", shed, b.shedding())
	}
}

// A detector that is gone: all room up to the mark is used, and then hardly anything gets in.
func TestBacklogWithoutADetector(t *testing.T) {
	s, b := newStock(10_000)
	for range 70 {
		s.second(b, 100, 0)
	}
	if s.sheds > 0 {
		t.Fatalf("shed with %d of %d", s.stored, s.max)
	}
	for range 3600 {
		s.second(b, 100, 0)
	}
	if got := int64(s.stored); got < s.max*85/100 {
		t.Errorf("the inbox has %d of %d", got, s.max)
	}
	if s.refused > 3600 || s.sheds < 350_000 {
		t.Errorf("%d uploads were read and refused, %d shed", s.refused, s.sheds)
	}
	seconds := 0
	for ; b.shedding() > 0; seconds++ {
		s.second(b, 100, 500)
	}
	if s.second(b, 100, 500); s.read != s.stored || seconds == 0 {
		t.Errorf("%d of %d were read, after %d s", s.read, s.stored, seconds)
	}
}

// Shedding ends at less than it began with.
func TestBacklogHasHysteresis(t *testing.T) {
	_, b := newStock(0)
	now := time.Now()
	turns, before := 0, 0.0
	random := rand.New(rand.NewPCG(1, 1))
	for n := range 1000 {
		b.note(now, InboxStats{Pending: 1, Bytes: 7400 + random.Int64N(200), MaxBytes: 10_000, Oldest: now.Add(-time.Minute)})
		if part := b.shedding(); (part > 0) != (before > 0) {
			turns, before = turns+1, part
		}
		if n == 500 && b.shedding() == 0 {
			t.Error("nothing is shed")
		}
	}
	if turns != 1 {
		t.Errorf("shedding began and ended %d times", turns)
	}
	b.note(now, InboxStats{Pending: 1, Bytes: 4900, MaxBytes: 10_000, Oldest: now.Add(-time.Minute)})
	if b.shedding() != 0 {
		t.Error("shedding goes on below its end")
	}
}

func TestBacklogByLag(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name   string
		age    time.Duration
		seen   time.Duration
		before bool // it was behind
		want   float64
	}{
		{"just behind", 9 * time.Minute, time.Second, false, 0},
		{"behind", 15 * time.Minute, time.Second, false, .25},
		{"far behind", 5 * time.Hour, time.Second, false, lagMost},
		{"catching up", 6 * time.Minute, time.Second, true, .1},
		{"caught up", 30 * time.Second, time.Second, true, 0},
		{"gone", 5 * time.Hour, time.Hour, true, 0},
	} {
		_, b := newStock(0)
		b.lagging = c.before
		b.note(now, InboxStats{Head: 9, Acked: 4, Pending: 5, Bytes: 5, MaxBytes: 10_000, Oldest: now.Add(-c.age),
			Readers: []ReaderStats{{Name: "fast", Acked: 9, Seen: now}, {Name: "slow", Acked: 4, Seen: now.Add(-c.seen)}}})
		if got := b.shedding(); got < c.want-.001 || got > c.want+.001 {
			t.Errorf("%s: %.3f are shed, want %.3f", c.name, got, c.want)
		}
	}
}

// Room that no batch waits in slows nobody down.
func TestBacklogNeedsBatchesThatWait(t *testing.T) {
	_, b := newStock(0)
	now := time.Now()
	b.note(now, InboxStats{Pending: 3, Bytes: 9000, MaxBytes: 10_000, Oldest: now.Add(-time.Second)})
	if b.shedding() != 0 {
		t.Error("shed although detectors take everything")
	}
	b.note(now, InboxStats{Bytes: 9990, MaxBytes: 10_000, Full: true})
	if b.shedding() != 1 {
		t.Error("a full disk takes nothing, and everything is read")
	}
}

func TestBacklogSaysSo(t *testing.T) {
	var log strings.Builder
	_, b := newStock(0)
	b.log = slog.New(slog.NewTextHandler(&log, nil))
	now := time.Now()
	for _, bytes := range []int64{1, 9000, 9100, 1, 1} {
		b.note(now, InboxStats{Pending: 1, Bytes: bytes, MaxBytes: 10_000, Oldest: now.Add(-time.Minute)})
	}
	if text := log.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, "asked to come later") || !strings.Contains(text, "no longer") {
		t.Errorf("logged:\n%s", text)
	}
}

// TestBacklogAtTheHub: a detector at the hub that is behind slows agents down although nothing
// waits here, and until it has caught up.
func TestBacklogAtTheHub(t *testing.T) {
	b := &backlog{log: slog.New(slog.DiscardHandler), begin: defaultSlowDownAt}
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		age  time.Duration
		want bool
	}{{0, false}, {lagBegin - time.Second, false}, {lagBegin, true}, {lagEnd + time.Second, true}, {lagEnd, false}, {lagAll, true}, {0, false}} {
		s := InboxStats{MaxBytes: 1 << 30}
		if tt.age > 0 {
			s.Unread = now.Add(-tt.age)
		}
		if b.note(now, s); b.shedding() > 0 != tt.want {
			t.Errorf("%v behind: %v is shed", tt.age, b.shedding())
		}
	}
}
