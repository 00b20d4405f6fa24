package diskspool_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

func TestSegmentsComeBackAsTheyWere(t *testing.T) {
	dir, key := filepath.Join(t.TempDir(), "a", "spool"), newKey(t)
	s := open(t, dir, diskspool.Options{})
	now := time.Now()
	second := write(t, s, key, now, 2, 100)
	first := write(t, s, key, now.Add(-time.Hour), 3, 100)
	segments := list(t, s)
	if len(segments) != 2 || segments[0].ID != first || segments[1].ID != second {
		t.Fatalf("segments %v, want %v and %v", segments, first, second)
	}
	if got := segments[1].Birth; got.UnixMilli() != now.UnixMilli() {
		t.Errorf("birth %v, want %v", got, now)
	}
	b, err := s.Read(first)
	must(t, err)
	if got := records(t, key, b); !slices.Equal(got, []uint64{0, 1, 2}) || segments[0].Size != int64(len(b)) {
		t.Errorf("records %v in %d bytes, listed as %d", got, len(b), segments[0].Size)
	}
	if n, size := s.Usage(); n != 2 || size != segments[0].Size+segments[1].Size {
		t.Errorf("usage %d segments of %d bytes", n, size)
	}
	must(t, s.Remove(first))
	must(t, s.Remove(first))
	if _, err := s.Read(first); !errors.Is(err, agent.ErrNoSegment) {
		t.Errorf("reading a removed segment: %v", err)
	}
	if got := open(t, dir, diskspool.Options{}); len(list(t, got)) != 1 {
		t.Error("another spool on the directory does not see the segment that is left")
	}
}

func TestOnlyTheOwnerMayRead(t *testing.T) {
	dir, key := filepath.Join(t.TempDir(), "spool"), newKey(t)
	s := open(t, dir, diskspool.Options{})
	write(t, s, key, time.Now(), 1, 100)
	g, err := begin(s, key.SealKey(), time.Now())
	must(t, err)
	must(t, g.add(0, 100))
	_, err = s.State("client", func([]byte) []byte { return []byte("x") })
	must(t, err)
	unlock, err := s.LockUpload()
	must(t, err)
	defer unlock()
	info, err := os.Stat(dir)
	must(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("directory has mode %v", info.Mode())
	}
	files := names(t, dir)
	if len(files) != 5 {
		t.Errorf("files %v", files)
	}
	for _, name := range files {
		info, err := os.Stat(filepath.Join(dir, name))
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
}

// TestReadingLeavesNoTrace: an agent without consent, and one that has nothing to say,
// make no file.
func TestReadingLeavesNoTrace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	s := open(t, dir, diskspool.Options{})
	if len(list(t, s)) != 0 || len(s.TakeDrops()) != 0 {
		t.Error("an absent spool has something")
	}
	if _, err := s.Read(report.BatchID{1}); !errors.Is(err, agent.ErrNoSegment) {
		t.Errorf("read: %v", err)
	}
	must(t, s.Remove(report.BatchID{1}))
	unlock, err := s.LockUpload()
	must(t, err)
	unlock()
	if b, err := s.State("policy", func(old []byte) []byte { return nil }); b != nil || err != nil {
		t.Errorf("state %q, %v", b, err)
	}
	if n, size := s.Usage(); n != 0 || size != 0 {
		t.Errorf("usage %d, %d", n, size)
	}
	must(t, s.Purge())
	w, err := s.Begin(time.Now(), report.BatchID{1}, nil)
	must(t, err)
	must(t, w.Close())
	must(t, s.Close())
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory exists: %v", names(t, dir))
	}
}

// TestTornFilesAreRecovered cuts the file of a dead writer at every length.
func TestTornFilesAreRecovered(t *testing.T) {
	key := newKey(t)
	source := t.TempDir()
	s := open(t, source, diskspool.Options{})
	g, err := begin(s, key.SealKey(), time.Now())
	must(t, err)
	var ends []int // of each frame
	for i := range 3 {
		must(t, g.add(uint64(i), 20))
		info, err := os.Stat(only(t, source, ".open"))
		must(t, err)
		ends = append(ends, int(info.Size()))
	}
	name := filepath.Base(only(t, source, ".open"))
	must(t, g.Close())
	whole, err := s.Read(g.id)
	must(t, err)
	prefix := ends[0] - 40

	dir := t.TempDir()
	torn := open(t, dir, diskspool.Options{})
	for n := 0; n <= len(whole); n++ {
		if n > 40 && n < prefix-3 {
			continue // the inside of the prefix is all the same
		}
		must(t, os.WriteFile(filepath.Join(dir, name), whole[:n], 0o600))
		want, lost := 0, uint64(0)
		for _, end := range ends {
			if n >= end {
				want++
			}
		}
		if n > 0 && n < ends[2] && !slices.Contains(ends, n) {
			lost = 1
		}
		for _, end := range ends[:2] {
			if n > end && n <= end+3 {
				lost = 0 // the zeros that a length starts with could be an end mark
			}
		}
		segments := list(t, torn)
		if got := drops(torn)[report.DropCorrupt]; got != lost {
			t.Fatalf("cut at %d: %d counted as corrupt, want %d", n, got, lost)
		}
		if want == 0 {
			if len(segments) != 0 || slices.Contains(names(t, dir), name) {
				t.Fatalf("cut at %d: segments %v, files %v", n, segments, names(t, dir))
			}
			continue
		}
		if len(segments) != 1 {
			t.Fatalf("cut at %d: segments %v", n, segments)
		}
		b, err := torn.Read(g.id)
		must(t, err)
		if got := records(t, key, b); len(got) != want {
			t.Fatalf("cut at %d: %d records, want %d", n, len(got), want)
		}
		must(t, torn.Remove(g.id))
	}
}

func TestGarbageBehindWholeFramesIsCutAway(t *testing.T) {
	key := newKey(t)
	for _, test := range []struct {
		name string
		tail []byte
		lost uint64
	}{
		{"zeros of a crashed file system", make([]byte, 100), 1},
		{"a length that cannot be", []byte{0xff, 0xff, 0xff, 0xff, 1, 2, 3}, 1},
		{"an end mark in two parts", []byte{0, 0}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			dead := open(t, dir, diskspool.Options{})
			g, err := begin(dead, key.SealKey(), time.Now())
			must(t, err)
			must(t, g.add(7, 20))
			f, err := os.OpenFile(only(t, dir, ".open"), os.O_WRONLY|os.O_APPEND, 0)
			must(t, err)
			_, err = f.Write(test.tail)
			must(t, err)
			must(t, f.Close())
			must(t, dead.Close())

			s := open(t, dir, diskspool.Options{})
			if got := list(t, s); len(got) != 1 {
				t.Fatalf("segments %v", got)
			}
			b, err := s.Read(g.id)
			must(t, err)
			if got := records(t, key, b); !slices.Equal(got, []uint64{7}) {
				t.Errorf("records %v", got)
			}
			if got := drops(s)[report.DropCorrupt]; got != test.lost {
				t.Errorf("%d counted as corrupt, want %d", got, test.lost)
			}
		})
	}
}

func TestLivingWritersAreLeftAlone(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	writer, other := open(t, dir, diskspool.Options{}), open(t, dir, diskspool.Options{})
	g, err := begin(writer, key.SealKey(), time.Now())
	must(t, err)
	must(t, g.add(0, 100))
	if got := list(t, other); len(got) != 0 {
		t.Errorf("segments %v of a living writer are listed", got)
	}
	must(t, g.add(1, 100))
	must(t, g.Close())
	if got := list(t, other); len(got) != 1 || len(drops(other)) != 0 {
		t.Errorf("segments %v after it closed", got)
	}
}

func TestBoundsDropTheOldestAndCountIt(t *testing.T) {
	key := newKey(t)
	for _, test := range []struct {
		name string
		o    diskspool.Options
		kept int // of 40 segments with 3 records of about 16 kB
	}{
		{"bytes", diskspool.Options{MaxBytes: 300_000}, 6},
		{"segments", diskspool.Options{MaxSegments: 7}, 7},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir, test.o)
			var ids []report.BatchID
			for i := range 40 {
				ids = append(ids, write(t, s, key, time.Now().Add(time.Duration(i)*time.Second), 3, 16_000))
				if _, size := s.Usage(); test.o.MaxBytes > 0 && size > test.o.MaxBytes {
					t.Fatalf("%d bytes kept, want at most %d", size, test.o.MaxBytes)
				}
			}
			segments := list(t, s)
			if len(segments) != test.kept || segments[0].ID != ids[40-test.kept] || segments[test.kept-1].ID != ids[39] {
				t.Errorf("%d segments kept, want the newest %d", len(segments), test.kept)
			}
			if got, want := drops(s)[report.DropSpoolFull], uint64((40-test.kept)*2); got != want {
				t.Errorf("%d records counted as dropped, want %d", got, want)
			}
			if got := drops(s); len(got) != 0 {
				t.Errorf("drops told twice: %v", got)
			}
		})
	}
}

// TestFullOfLivingWriters: what is being written is never dropped, so there can be no room.
func TestFullOfLivingWriters(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	s := open(t, dir, diskspool.Options{MaxSegments: 2})
	for i := range 2 {
		g, err := begin(s, key.SealKey(), time.Now())
		must(t, err)
		must(t, g.add(uint64(i), 100))
	}
	g, err := begin(s, key.SealKey(), time.Now())
	must(t, err)
	if err := g.add(2, 100); !errors.Is(err, agent.ErrSpoolFull) {
		t.Errorf("append: %v, want ErrSpoolFull", err)
	}
	if err := g.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if got := names(t, dir); len(got) != 3 {
		t.Errorf("files %v, want two segments and the lock", got)
	}
}

func TestOldSegmentsExpire(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	s := open(t, dir, diskspool.Options{MaxAge: 24 * time.Hour})
	write(t, s, key, time.Now().Add(-25*time.Hour), 4, 100)
	kept := write(t, s, key, time.Now().Add(-23*time.Hour), 4, 100)
	// its clock was not set: nothing is known of its age
	unset := write(t, s, key, time.Unix(5, 0), 4, 100)
	ahead := write(t, s, key, time.Now().Add(25*time.Hour), 4, 100)
	segments := list(t, s)
	if len(segments) != 3 || segments[0].ID != unset || segments[1].ID != kept || segments[2].ID != ahead {
		t.Errorf("segments %v", segments)
	}
	if got := drops(s)[report.DropExpired]; got != 3 {
		t.Errorf("%d records counted as expired, want 3", got)
	}
}

func TestBitRotIsCounted(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	s := open(t, dir, diskspool.Options{})
	for _, spoil := range []func([]byte) []byte{
		func(b []byte) []byte { b[0] ^= 1; return b },
		func(b []byte) []byte { b[4] ^= 1; return b },    // the id is another than the name says
		func(b []byte) []byte { b[1148] ^= 1; return b }, // a frame's length
		func(b []byte) []byte { return b[:len(b)-1] },
		func(b []byte) []byte { return append(b, 0) },
		func(b []byte) []byte { return nil },
		func(b []byte) []byte { return make([]byte, 2*seal.MaxSegment) },
	} {
		id := write(t, s, key, time.Now(), 2, 100)
		name := only(t, dir, ".seg")
		b, err := os.ReadFile(name)
		must(t, err)
		must(t, os.WriteFile(name, spoil(b), 0o600))
		if _, err := s.Read(id); !errors.Is(err, agent.ErrNoSegment) {
			t.Errorf("read: %v, want ErrNoSegment", err)
		}
		if got := drops(s)[report.DropCorrupt]; got != 1 {
			t.Errorf("%d counted as corrupt, want 1", got)
		}
		if got := list(t, s); len(got) != 0 {
			t.Errorf("segments %v stay", got)
		}
	}
}

func TestPurgeDeletesAllButStrangersFiles(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	strangers := []string{"notes.txt", "x.seg", "0000000000000001-zz.open", "Client.state"}
	for _, name := range strangers {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o644))
	}
	must(t, os.Symlink("notes.txt", filepath.Join(dir, strings.Repeat("0", 16)+"-"+report.BatchID{7}.String()+".seg")))
	s, other := open(t, dir, diskspool.Options{}), open(t, dir, diskspool.Options{})
	write(t, s, key, time.Now(), 1, 100)
	g, err := begin(other, key.SealKey(), time.Now())
	must(t, err)
	must(t, g.add(0, 100))
	_, err = s.State("client", func([]byte) []byte { return []byte("token") })
	must(t, err)
	unlock, err := s.LockUpload()
	must(t, err)
	must(t, s.Purge())
	unlock()
	if got := names(t, dir); len(got) != len(strangers)+1 {
		t.Errorf("files %v, want the strangers'", got)
	}
	if err := g.add(1, 100); err == nil {
		t.Error("a purged segment takes more")
	}
	_ = g.Close()
	if got := names(t, dir); len(got) != len(strangers)+2 { // the directory's lock
		t.Errorf("files %v: a purged segment came back", got)
	}
	write(t, other, key, time.Now(), 1, 100)
	if got := list(t, s); len(got) != 1 {
		t.Errorf("segments %v after the purge, want the new one", got)
	}
}

func TestVanishedDirectory(t *testing.T) {
	dir, key := filepath.Join(t.TempDir(), "spool"), newKey(t)
	s := open(t, dir, diskspool.Options{})
	g, err := begin(s, key.SealKey(), time.Now())
	must(t, err)
	must(t, g.add(0, 100))
	must(t, os.RemoveAll(dir))
	if got := list(t, s); len(got) != 0 {
		t.Errorf("segments %v", got)
	}
	if err := g.add(1, 100); err == nil {
		t.Error("appended to a file that is gone")
	}
	_ = g.Close()
	id := write(t, s, key, time.Now(), 1, 100)
	if got := list(t, s); len(got) != 1 || got[0].ID != id {
		t.Errorf("segments %v, want the new one", got)
	}
}

// TestUnusableDirectory: a place that cannot be written to gives errors, and no panic.
// TestClockSetForward: what this process wrote is as old as the time that has really passed,
// whatever the clock says now.
func TestClockSetForward(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	s := open(t, dir, diskspool.Options{})
	id := write(t, s, key, time.Now(), 4, 100)
	// its name is the birth by the wall clock: an older one is a clock that has gone forward since
	path := only(t, dir, ".seg")
	born := strconv.FormatInt(time.Now().Add(-100*24*time.Hour).UnixMilli(), 10)
	must(t, os.Rename(path, filepath.Join(dir, "000"+born+"-"+id.String()+".seg")))
	if segments := list(t, s); len(segments) != 1 || segments[0].ID != id {
		t.Errorf("segments %v, want the one that was just written", segments)
	}
	other := open(t, dir, diskspool.Options{}) // has only the name to go by
	if segments := list(t, other); len(segments) != 0 || drops(other)[report.DropExpired] != 3 {
		t.Errorf("segments %v, want the old one dropped and counted", segments)
	}
	if segments := list(t, s); len(segments) != 0 {
		t.Errorf("segments %v, want none", segments)
	}
}

func TestUnusableDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	s := open(t, filepath.Join(file, "spool"), diskspool.Options{})
	key := newKey(t)
	g, err := begin(s, key.SealKey(), time.Now())
	must(t, err)
	if err := g.add(0, 100); err == nil {
		t.Error("appended")
	}
	if err := g.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if _, err := s.State("client", func([]byte) []byte { return []byte("x") }); err == nil {
		t.Error("state stored")
	}
	if n, _ := s.Usage(); n != 0 {
		t.Errorf("usage %d", n)
	}
}

func TestOneUploader(t *testing.T) {
	dir, key := t.TempDir(), newKey(t)
	a, b := open(t, dir, diskspool.Options{}), open(t, dir, diskspool.Options{})
	write(t, a, key, time.Now(), 1, 100)
	unlock, err := a.LockUpload()
	must(t, err)
	if _, err := b.LockUpload(); !errors.Is(err, agent.ErrSpoolBusy) {
		t.Errorf("second lock: %v, want ErrSpoolBusy", err)
	}
	write(t, b, key, time.Now(), 1, 100) // writing is no matter of uploading
	unlock()
	unlock, err = b.LockUpload()
	must(t, err)
	unlock()
}

func TestStateIsSharedAndAtomic(t *testing.T) {
	dir := t.TempDir()
	var group sync.WaitGroup
	got := make([]string, 8)
	for i := range got {
		s := open(t, dir, diskspool.Options{})
		group.Go(func() {
			b, err := s.State("client", func(old []byte) []byte {
				if old != nil {
					return nil
				}
				return []byte{'a' + byte(i)}
			})
			if err != nil {
				t.Error(err)
			}
			got[i] = string(b)
		})
	}
	group.Wait()
	for _, v := range got {
		if v == "" || v != got[0] {
			t.Fatalf("agents have %q, want the same", got)
		}
	}
	s := open(t, dir, diskspool.Options{})
	// of a crash
	must(t, os.WriteFile(filepath.Join(dir, "client.state.tmp"), []byte("torn"), 0o600))
	b, err := s.State("client", func([]byte) []byte { return []byte("next") })
	if string(b) != "next" || err != nil {
		t.Errorf("state %q, %v", b, err)
	}
	if b, err := s.State("client", func([]byte) []byte { return make([]byte, agent.MaxState+1) }); err == nil || string(b) != "next" {
		t.Errorf("too large a blob: %q, %v", b, err)
	}
	for _, name := range []string{"", "../x", "a.b", "A", strings.Repeat("a", 33)} {
		if _, err := s.State(name, func([]byte) []byte { return []byte("x") }); err == nil {
			t.Errorf("state called %q was stored", name)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, test := range []struct {
		dir   string
		o     diskspool.Options
		fault string
	}{
		{"", diskspool.Options{}, "directory"},
		{"x", diskspool.Options{MaxBytes: 1000}, "MaxBytes"},
		{"x", diskspool.Options{MaxBytes: -1}, "MaxBytes"},
		{"x", diskspool.Options{MaxSegments: -1}, "MaxSegments"},
		{"x", diskspool.Options{MaxAge: -1}, "MaxAge"},
	} {
		if _, err := diskspool.Open(test.dir, test.o); err == nil || !strings.Contains(err.Error(), test.fault) {
			t.Errorf("Open(%q, %+v): %v, want a fault of %s", test.dir, test.o, err, test.fault)
		}
	}
}
