package idbspool

import (
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// segment is a segment that a test writes.
type segment struct {
	agent.SegmentWriter
	id     report.BatchID
	sealer *seal.Sealer
}

var sealKey = func() *seal.Key {
	key, err := seal.GenerateOpenKey()
	if err != nil {
		panic(err)
	}
	return key.SealKey()
}()

func begin(t testing.TB, s *Spool, birth time.Time) *segment {
	t.Helper()
	id, err := report.NewBatchID(birth, rand.Reader)
	must(t, err)
	sealer, err := seal.NewSealer(sealKey, id)
	must(t, err)
	w, err := s.Begin(birth, id, sealer.Prefix())
	must(t, err)
	return &segment{w, id, sealer}
}

func (g *segment) add(t testing.TB, size int) error {
	t.Helper()
	frame, err := g.sealer.Seal(nil, make([]byte, size))
	must(t, err)
	return g.Append(frame)
}

// write writes and finishes a segment of n records.
func write(t testing.TB, s *Spool, birth time.Time, n, size int) report.BatchID {
	t.Helper()
	g := begin(t, s, birth)
	for range n {
		must(t, g.add(t, size))
	}
	must(t, g.Close())
	return g.id
}

func list(t testing.TB, s *Spool) (ids []report.BatchID) {
	t.Helper()
	segments, err := s.List()
	must(t, err)
	for _, g := range segments {
		ids = append(ids, g.ID)
	}
	return ids
}

func open(t testing.TB, db database, o Options) *Spool {
	t.Helper()
	s, err := newSpool(db, o)
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// age makes all unfinished segments look as if their last Append were d ago.
func age(t testing.TB, db database, d time.Duration) {
	t.Helper()
	must(t, db.write(false, func(x transaction) error {
		rows, err := readRows(x)
		for _, r := range rows {
			if !r.done() {
				r.touched = time.Now().Add(-d).UnixMilli()
				x.putSegment(r.id.String(), r.String())
			}
		}
		return err
	}))
}

// TestSegmentsOfDeadTabsAreFinished: if a tab ends without closing its spool, another tab finishes
// its segments after a while. If the first tab was only slow, it notices, and its records go into a
// new segment.
func TestSegmentsOfDeadTabsAreFinished(t *testing.T) {
	db := newMemory()
	dead, other := open(t, db, Options{}), open(t, db, Options{})
	g := begin(t, dead, time.Now())
	must(t, g.add(t, 100))
	for _, test := range []struct {
		quiet time.Duration
		want  int
	}{{0, 0}, {lease / 2, 0}, {lease + time.Second, 1}} {
		age(t, db, test.quiet)
		if got := list(t, other); len(got) != test.want {
			t.Fatalf("quiet for %v: segments %v, want %d", test.quiet, got, test.want)
		}
	}
	if err := g.add(t, 100); err == nil {
		t.Error("a segment that another tab has finished takes more")
	}
	must(t, g.Close())
	if b, err := other.Read(g.id); err != nil {
		t.Errorf("reading: %d bytes, %v", len(b), err)
	}
}

// TestClockThatWasSetBack: a segment with a time in the future is finished, because otherwise it
// never would be.
func TestClockThatWasSetBack(t *testing.T) {
	db := newMemory()
	dead, other := open(t, db, Options{}), open(t, db, Options{})
	g := begin(t, dead, time.Now())
	must(t, g.add(t, 100))
	age(t, db, -time.Hour)
	if got := list(t, other); !slices.Equal(got, []report.BatchID{g.id}) {
		t.Errorf("segments %v", got)
	}
}

// TestOwnSegmentsAreNotFinished: a writer that has not appended for long is alive as long as its
// own Spool has it.
func TestOwnSegmentsAreNotFinished(t *testing.T) {
	db := newMemory()
	s := open(t, db, Options{})
	g := begin(t, s, time.Now())
	must(t, g.add(t, 100))
	age(t, db, time.Hour)
	if got := list(t, s); len(got) != 0 {
		t.Errorf("segments %v", got)
	}
	must(t, g.add(t, 100))
}

// TestOrphansMakeRoom: unfinished segments of dead tabs can be dropped like others.
func TestOrphansMakeRoom(t *testing.T) {
	db := newMemory()
	dead, s := open(t, db, Options{}), open(t, db, Options{MaxSegments: 1})
	g := begin(t, dead, time.Now().Add(-time.Minute))
	must(t, g.add(t, 100))
	late := begin(t, s, time.Now())
	if err := late.add(t, 100); !errors.Is(err, agent.ErrSpoolFull) {
		t.Fatalf("beside a living writer: %v, want ErrSpoolFull", err)
	}
	age(t, db, time.Hour)
	id := write(t, s, time.Now(), 1, 100)
	if got := list(t, s); !slices.Equal(got, []report.BatchID{id}) {
		t.Errorf("segments %v, want %v", got, id)
	}
	if drops := s.TakeDrops(); len(drops) != 1 || drops[0] != (report.Drop{Reason: report.DropSpoolFull, Count: 1}) {
		t.Errorf("drops %v", drops)
	}
}

// limited is a database with a quota. It reports only that the quota is used up.
type limited struct {
	*memory
	quota int64
}

func (l *limited) write(create bool, f func(t transaction) error) error {
	return l.memory.write(create, func(t transaction) error {
		before, err := readRows(t)
		if err != nil {
			return err
		}
		was := total(before)
		if err := f(t); err != nil {
			return err
		}
		rows, err := readRows(t)
		if now := total(rows); now > l.quota && now > was {
			return errQuota
		}
		return err
	})
}

func TestQuotaDropsTheOldest(t *testing.T) {
	s := open(t, &limited{newMemory(), 10_000}, Options{})
	var ids []report.BatchID
	for i := range 10 { // of about 2.1 kB
		ids = append(ids, write(t, s, time.Now().Add(time.Duration(i)*time.Second), 1, 900))
	}
	kept := list(t, s)
	if len(kept) < 2 || !slices.Equal(kept, ids[len(ids)-len(kept):]) {
		t.Errorf("segments %v of %v, want the newest", kept, ids)
	}
	if drops := s.TakeDrops(); len(drops) != 1 || drops[0].Reason != report.DropSpoolFull || drops[0].Count != uint64(10-len(kept)) {
		t.Errorf("drops %v, want %d", drops, 10-len(kept))
	}
	full := open(t, &limited{newMemory(), 100}, Options{})
	g := begin(t, full, time.Now())
	must(t, g.add(t, 900))
	must(t, g.Close())
	if got := list(t, full); len(got) != 1 || full.Persistent() {
		t.Errorf("with no quota at all: segments %v, persistent %v; want one, in memory", got, full.Persistent())
	}
}

// failing is a database that is not available.
type failing struct{ database }

func (failing) read(func(t transaction) error) error        { return errUnavailable }
func (failing) write(bool, func(t transaction) error) error { return errUnavailable }
func (failing) lock() (func(), error)                       { return nil, errUnavailable }
func (failing) close()                                      {}

func TestWithoutDatabaseMemoryDoes(t *testing.T) {
	s := open(t, failing{}, Options{})
	if !s.Persistent() {
		t.Error("a spool that was not used yet says that it does not persist")
	}
	id := write(t, s, time.Now(), 1, 100)
	if got := list(t, s); !slices.Equal(got, []report.BatchID{id}) || s.Persistent() {
		t.Errorf("segments %v, persistent %v", got, s.Persistent())
	}
	unlock, err := s.LockUpload()
	must(t, err)
	unlock()
}

// TestCorruptSegments: corrupt segments are counted and deleted.
func TestCorruptSegments(t *testing.T) {
	for _, spoil := range []struct {
		name string
		do   func(x transaction, id string)
	}{
		{"other bytes", func(x transaction, id string) { x.putChunk(id, 3, []byte{1}) }},
		{"no bytes", func(x transaction, id string) {
			row, _ := x.segment(id)
			x.deleteSegment(id)
			x.putSegment(id, row)
		}},
	} {
		db := newMemory()
		s := open(t, db, Options{})
		id := write(t, s, time.Now(), 2, 100)
		must(t, db.write(false, func(x transaction) error { spoil.do(x, id.String()); return nil }))
		if _, err := s.Read(id); !errors.Is(err, agent.ErrNoSegment) {
			t.Errorf("%s: %v, want ErrNoSegment", spoil.name, err)
		}
		if drops := s.TakeDrops(); len(drops) != 1 || drops[0] != (report.Drop{Reason: report.DropCorrupt, Count: 1}) {
			t.Errorf("%s: drops %v", spoil.name, drops)
		}
		if got := list(t, s); len(got) != 0 {
			t.Errorf("%s: segments %v stay", spoil.name, got)
		}
	}
}

func TestOpenRefusesBadOptions(t *testing.T) {
	for fault, o := range map[string]Options{
		"MaxBytes": {MaxBytes: 1000}, "MaxSegments": {MaxSegments: -1}, "MaxAge": {MaxAge: -1},
	} {
		if _, err := newSpool(newMemory(), o); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%+v: %v, want a fault of %s", o, err, fault)
		}
	}
}
