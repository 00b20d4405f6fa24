package agenttest

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// TestSpool checks that an implementation of [agent.Spool] follows the rules of that interface.
// newStore makes an empty store with the given limits, where zero means the default, and returns a
// function that opens it. Each call of open stands for another agent on that store. TestSpool
// closes what it opens.
func TestSpool(t *testing.T, newStore func(t *testing.T, b Bounds) (open func() (agent.Spool, error))) {
	key, err := seal.GenerateOpenKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		run    func(s *spoolTest)
		bounds Bounds
	}{
		{"nothing at first", nothingAtFirst, Bounds{}},
		{"written, listed, read, removed", writtenListedRead, Bounds{}},
		{"unfinished", unfinished, Bounds{}},
		{"oldest first", oldestFirst, Bounds{}},
		{"a dead agent's segment", deadAgent, Bounds{}},
		{"one uploads", oneUploads, Bounds{}},
		{"state", states, Bounds{}},
		{"state has limits", stateLimits, Bounds{}},
		{"state is changed by one at a time", stateTogether, Bounds{}},
		{"purge", purge, Bounds{}},
		{"many at a time", manyWriters, Bounds{}},
		{"at most so many segments", boundedSegments, Bounds{MaxSegments: 3}},
		{"at most so many bytes", boundedBytes, Bounds{MaxBytes: seal.MaxSegment}},
		{"not older than that", boundedAge, Bounds{MaxAge: time.Hour}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.run(&spoolTest{T: t, key: key, store: newStore(t, test.bounds)})
		})
	}
}

// spoolTest is one test of a store.
type spoolTest struct {
	*testing.T
	key   *seal.OpenKey
	store func() (agent.Spool, error)
}

// open is another agent on the store.
func (t *spoolTest) open() agent.Spool {
	t.Helper()
	s, err := t.store()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func (t *spoolTest) must(err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// testSegment is one that a test writes, with what is durable of it.
type testSegment struct {
	agent.SegmentWriter
	t      *spoolTest
	id     report.BatchID
	birth  time.Time
	sealer *seal.Sealer
	bytes  []byte
}

func (t *spoolTest) begin(s agent.Spool, birth time.Time) *testSegment {
	t.Helper()
	g := &testSegment{t: t, birth: birth}
	var err error
	g.id, err = report.NewBatchID(birth, rand.Reader)
	t.must(err)
	g.sealer, err = seal.NewSealer(t.key.SealKey(), g.id)
	t.must(err)
	g.bytes = slices.Clone(g.sealer.Prefix())
	g.SegmentWriter, err = s.Begin(birth, g.id, g.sealer.Prefix())
	t.must(err)
	return g
}

// append appends a record of size bytes. After an error g has what it had before.
func (g *testSegment) append(size int) error {
	g.t.Helper()
	frame, err := g.sealer.Seal(nil, make([]byte, size))
	g.t.must(err)
	if err := g.Append(frame); err != nil {
		return err
	}
	g.bytes = append(g.bytes, frame...)
	clear(frame) // it is the caller's again
	return nil
}

// write writes a finished segment of two records.
func (t *spoolTest) write(s agent.Spool, birth time.Time, size int) *testSegment {
	t.Helper()
	g := t.begin(s, birth)
	t.must(g.append(size))
	t.must(g.append(size))
	t.must(g.Close())
	return g
}

// wantList checks that s has the finished segments want, in this order.
func (t *spoolTest) wantList(s agent.Spool, want ...*testSegment) {
	t.Helper()
	list, err := s.List()
	t.must(err)
	if len(list) != len(want) {
		t.Fatalf("List has %d segments, want %d", len(list), len(want))
	}
	for i, g := range want {
		whole := seal.AppendEnd(slices.Clone(g.bytes))
		if list[i].ID != g.id || !list[i].Birth.Equal(time.UnixMilli(g.birth.UnixMilli())) || list[i].Size != int64(len(whole)) {
			t.Errorf("segment %d is %+v, want %v, born %v, of %d bytes", i, list[i], g.id, g.birth, len(whole))
		}
		b, err := s.Read(g.id)
		if err != nil || !bytes.Equal(b, whole) {
			t.Errorf("segment %d: %d bytes, %v; want the %d that were appended, and the end", i, len(b), err, len(whole))
		}
	}
}

func (t *spoolTest) wantUsage(s agent.Spool, segments int, bytes int64) {
	t.Helper()
	n, size := s.Usage()
	const ends = 8 // end marks that are still to come may count
	if n != segments || size < bytes || size > bytes+ends*int64(n) {
		t.Errorf("Usage is %d segments of %d bytes, want %d of %d", n, size, segments, bytes)
	}
}

func (t *spoolTest) wantDrops(s agent.Spool, reason string, records uint64) {
	t.Helper()
	got := make(map[string]uint64)
	for _, d := range s.TakeDrops() {
		got[d.Reason] += d.Count
	}
	if records == 0 && len(got) != 0 || records > 0 && (len(got) != 1 || got[reason] != records) {
		t.Errorf("TakeDrops says %v, want %d of %s", got, records, reason)
	}
	if again := s.TakeDrops(); len(again) != 0 {
		t.Errorf("TakeDrops says %v once more", again)
	}
}

func (t *spoolTest) read(s agent.Spool, name string) []byte {
	t.Helper()
	b, err := s.State(name, func([]byte) []byte { return nil })
	t.must(err)
	return b
}

func (t *spoolTest) set(s agent.Spool, name, value string) {
	t.Helper()
	b, err := s.State(name, func([]byte) []byte { return []byte(value) })
	if err != nil || string(b) != value {
		t.Fatalf("State(%q) is %q, %v; want %q", name, b, err, value)
	}
}

func nothingAtFirst(t *spoolTest) {
	s := t.open()
	g := t.begin(s, time.Now()) // stores nothing
	t.wantList(s)
	t.wantUsage(s, 0, 0)
	t.wantDrops(s, "", 0)
	if b := t.read(s, "client"); len(b) != 0 {
		t.Errorf("state %q", b)
	}
	if _, err := s.Read(report.BatchID{1}); !errors.Is(err, agent.ErrNoSegment) {
		t.Errorf("Read of what never was: %v, want ErrNoSegment", err)
	}
	t.must(s.Remove(report.BatchID{1}))
	t.must(s.Purge())
	t.must(g.Close()) // a segment without frames vanishes
	t.wantList(s)
	t.wantUsage(s, 0, 0)
}

func writtenListedRead(t *spoolTest) {
	s, other := t.open(), t.open()
	g := t.write(s, time.Now(), 100)
	t.wantList(s, g)
	t.wantList(other, g)
	t.wantUsage(other, 1, int64(len(g.bytes)))
	t.must(other.Remove(g.id))
	t.must(other.Remove(g.id))
	t.wantList(s)
	t.wantUsage(s, 0, 0)
	if _, err := s.Read(g.id); !errors.Is(err, agent.ErrNoSegment) {
		t.Errorf("Read after Remove: %v, want ErrNoSegment", err)
	}
	t.wantDrops(s, "", 0)
}

func unfinished(t *spoolTest) {
	s, other := t.open(), t.open()
	g := t.begin(s, time.Now())
	t.must(g.append(100))
	for _, s := range []agent.Spool{s, other} {
		t.wantList(s)
		t.wantUsage(s, 1, int64(len(g.bytes)))
		if _, err := s.Read(g.id); !errors.Is(err, agent.ErrNoSegment) {
			t.Errorf("Read of an unfinished segment: %v, want ErrNoSegment", err)
		}
		t.must(s.Remove(g.id)) // deletes finished ones only
	}
	t.must(g.append(100))
	t.must(g.Close())
	t.wantList(other, g)
}

func oldestFirst(t *spoolTest) {
	a, b := t.open(), t.open()
	now := time.Now()
	newest, oldest, middle := t.write(a, now, 10), t.write(b, now.Add(-2*time.Minute), 10), t.write(a, now.Add(-time.Minute), 10)
	t.wantList(a, oldest, middle, newest)
	t.wantList(b, oldest, middle, newest)
}

// deadAgent: closing a Spool leaves to others what death would.
func deadAgent(t *spoolTest) {
	s, err := t.store()
	t.must(err)
	g := t.begin(s, time.Now())
	t.must(g.append(100))
	t.must(g.append(100))
	t.must(s.Close())
	other := t.open()
	t.wantList(other, g)
	if err := g.append(100); err == nil {
		t.Error("Append after Close of the Spool succeeded")
	}
	t.wantList(other, g)
	t.wantDrops(other, "", 0)
}

func oneUploads(t *spoolTest) {
	a, b := t.open(), t.open()
	t.write(a, time.Now(), 10)
	unlock, err := a.LockUpload()
	t.must(err)
	for _, s := range []agent.Spool{a, b} {
		if _, err := s.LockUpload(); !errors.Is(err, agent.ErrSpoolBusy) {
			t.Errorf("second LockUpload: %v, want ErrSpoolBusy", err)
		}
	}
	g := t.write(b, time.Now(), 10) // writing is no matter of uploading
	t.must(b.Remove(g.id))
	unlock()
	unlock, err = b.LockUpload()
	t.must(err)
	unlock()
}

func states(t *spoolTest) {
	s, other := t.open(), t.open()
	if b := t.read(s, "client"); len(b) != 0 {
		t.Errorf("state %q before it was set", b)
	}
	t.set(s, "client", "one")
	t.set(s, "tokens", "x")
	got, err := other.State("client", func(old []byte) []byte {
		if string(old) != "one" {
			t.Errorf("update gets %q, want what the other agent stored", old)
		}
		return nil
	})
	if err != nil || string(got) != "one" {
		t.Errorf("reading: %q, %v", got, err)
	}
	clear(got)
	if b := t.read(s, "client"); string(b) != "one" {
		t.Errorf("state is %q after its copies were overwritten", b)
	}
	for range 2 { // the second time it is not there
		if b, err := other.State("client", func([]byte) []byte { return []byte{} }); len(b) != 0 || err != nil {
			t.Errorf("deleting: %q, %v", b, err)
		}
	}
	if b := t.read(s, "client"); len(b) != 0 {
		t.Errorf("state %q after it was deleted", b)
	}
	if b := t.read(s, "tokens"); string(b) != "x" {
		t.Errorf("another state is %q now", b)
	}
}

func stateLimits(t *spoolTest) {
	s := t.open()
	t.set(s, "client", "kept")
	large := make([]byte, agent.MaxState)
	rand.Read(large)
	b, err := s.State("large", func([]byte) []byte { return large })
	if err != nil || !bytes.Equal(b, large) || !bytes.Equal(t.read(s, "large"), large) {
		t.Errorf("the largest state: %d bytes, %v", len(b), err)
	}
	if b, err := s.State("client", func([]byte) []byte { return make([]byte, agent.MaxState+1) }); err == nil || string(b) != "kept" {
		t.Errorf("too large a state: %d bytes, %v; want what was there, and an error", len(b), err)
	}
	for _, name := range []string{"", "../x", "a.b", "A", "a1", string(bytes.Repeat([]byte("a"), 33))} {
		if _, err := s.State(name, func([]byte) []byte { return []byte("x") }); err == nil {
			t.Errorf("a state called %q was stored", name)
		}
	}
	t.set(s, string(bytes.Repeat([]byte("a"), 32)), "x")
}

func stateTogether(t *spoolTest) {
	const agents, times = 4, 10
	var group sync.WaitGroup
	for range agents {
		s := t.open()
		group.Go(func() {
			for range times {
				if _, err := s.State("count", func(old []byte) []byte {
					n := uint64(0)
					if len(old) == 8 {
						n = binary.BigEndian.Uint64(old)
					}
					return binary.BigEndian.AppendUint64(nil, n+1)
				}); err != nil {
					t.Errorf("State: %v", err)
				}
			}
		})
	}
	group.Wait()
	if b := t.read(t.open(), "count"); len(b) != 8 || binary.BigEndian.Uint64(b) != agents*times {
		t.Errorf("%x after %d additions of one", b, agents*times)
	}
}

func purge(t *spoolTest) {
	s, other := t.open(), t.open()
	t.write(s, time.Now(), 100)
	mine, others := t.begin(s, time.Now()), t.begin(other, time.Now())
	t.must(mine.append(100))
	t.must(others.append(100))
	t.set(s, "client", "x")
	t.set(s, agent.StateNotice, "notice")
	for range 2 {
		t.must(s.Purge())
	}
	for _, s := range []agent.Spool{s, other} {
		t.wantList(s)
		t.wantUsage(s, 0, 0)
		if a, b := t.read(s, "client"), t.read(s, agent.StateNotice); len(a) != 0 || string(b) != "notice" {
			t.Errorf("states %q and %q stay, want the notice only", a, b)
		}
	}
	for _, g := range []*testSegment{mine, others} {
		if err := g.append(100); err == nil {
			t.Error("Append to a purged segment succeeded")
		}
		_ = g.Close()
	}
	t.wantList(other)
	t.wantUsage(other, 0, 0)
	g := t.write(other, time.Now(), 100) // and life goes on
	t.wantList(s, g)
}

func manyWriters(t *spoolTest) {
	const agents, each = 4, 5
	var group sync.WaitGroup
	written := make([][]*testSegment, agents)
	for i := range agents {
		s := t.open()
		for n := range each {
			written[i] = append(written[i], t.begin(s, time.Now().Add(time.Duration(n-each)*time.Second+time.Duration(i)*time.Millisecond)))
		}
		group.Go(func() {
			for _, g := range written[i] {
				for range 3 {
					if err := g.append(50); err != nil {
						t.Errorf("Append: %v", err)
					}
				}
				if err := g.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
				if _, err := s.List(); err != nil {
					t.Errorf("List: %v", err)
				}
			}
		})
	}
	group.Wait()
	all := slices.Concat(written...)
	slices.SortFunc(all, func(x, y *testSegment) int { return x.birth.Compare(y.birth) })
	t.wantList(t.open(), all...)
}

func boundedSegments(t *spoolTest) {
	s := t.open()
	now := time.Now()
	var all []*testSegment
	for i := range 5 {
		all = append(all, t.write(s, now.Add(time.Duration(i-5)*time.Second), 10))
	}
	t.wantList(s, all[2:]...)
	t.wantDrops(s, report.DropSpoolFull, 2) // of a segment the records but its header
}

func boundedBytes(t *spoolTest) {
	s := t.open()
	now := time.Now()
	const size = report.MaxRecord / 2
	var all []*testSegment
	for i := range 5 { // of 64 KiB and a little, where four do not fit
		all = append(all, t.write(s, now.Add(time.Duration(i-10)*time.Second), size))
	}
	t.wantList(s, all[2:]...)
	t.wantDrops(s, report.DropSpoolFull, 2)
	t.wantBytes(s)
	open := t.begin(s, now)
	for range 5 {
		t.must(open.append(size))
		t.wantBytes(s)
	}
	t.must(open.Close())
	t.wantList(s, all[4], open)
	t.wantDrops(s, report.DropSpoolFull, 2)
	t.must(t.begin(s, now).append(size))
	t.wantBytes(s)
	t.wantList(s, open)
	t.wantDrops(s, report.DropSpoolFull, 1)
}

// wantBytes checks that s is within boundedBytes' bounds.
func (t *spoolTest) wantBytes(s agent.Spool) {
	t.Helper()
	if _, used := s.Usage(); used > seal.MaxSegment {
		t.Errorf("%d bytes are in use, want %d at most", used, seal.MaxSegment)
	}
}

func boundedAge(t *spoolTest) {
	s := t.open()
	now := time.Now()
	fresh, old := t.write(s, now.Add(-50*time.Minute), 10), t.write(s, now.Add(-70*time.Minute), 10)
	t.wantList(s, fresh)
	t.wantDrops(s, report.DropExpired, 1)
	if _, err := s.Read(old.id); !errors.Is(err, agent.ErrNoSegment) {
		t.Errorf("Read of an expired segment: %v, want ErrNoSegment", err)
	}
}
