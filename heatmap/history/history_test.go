package history

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
)

var start = time.Date(2026, 11, 29, 23, 0, 0, 0, time.UTC)

func servers(n int) []heatmap.Server {
	all := make([]heatmap.Server, n)
	for i := range all {
		all[i] = heatmap.Server{
			Name: fmt.Sprintf("s%05d", i), Address: fmt.Sprintf("10.0.%d.%d:443", i>>8, i&255), Region: "north",
			DataCentre: fmt.Sprintf("dc%d", i/1000), Cluster: fmt.Sprintf("c%d", i/100), Row: fmt.Sprintf("r%d", i/20%5),
		}
	}
	return all
}

func topologyOf(t testing.TB, all []heatmap.Server) *heatmap.Topology {
	t.Helper()
	topology, err := heatmap.NewTopology(all)
	if err != nil {
		t.Fatal(err)
	}
	return topology
}

func open(t testing.TB, o Options) *Log {
	t.Helper()
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// states returns the states by name.
func states(s heatmap.Snapshot) string {
	var text strings.Builder
	for i := range s.Topology.Len() {
		server := s.Topology.Server(i)
		fmt.Fprintf(&text, "%s@%s/%s=%s ", server.Name, server.Cluster, server.Row, s.State(i))
	}
	return text.String()
}

func TestEveryFrameComesBack(t *testing.T) {
	dir, r := t.TempDir(), rand.New(rand.NewPCG(6, 6))
	l := open(t, Options{Dir: dir, KeyFrames: 7})
	m := heatmap.NewMap(topologyOf(t, servers(300)))
	var want []string
	for minute := range 150 { // over midnight
		at := start.Add(time.Duration(minute) * time.Minute)
		for range r.IntN(5) * r.IntN(40) {
			m.Set(r.IntN(m.Topology().Len()), heatmap.State(r.IntN(3)), at)
		}
		if minute%40 == 39 {
			m.Replace(topologyOf(t, servers(300 + r.IntN(50))[r.IntN(40):]))
		}
		if minute == 100 { // as after a restart
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l = open(t, Options{Dir: dir, KeyFrames: 7})
		}
		s := m.Snapshot()
		if err := l.Append(at, s); err != nil {
			t.Fatal(err)
		}
		want = append(want, states(s))
	}
	reader := open(t, Options{Dir: dir})
	for _, from := range []*Log{l, reader} {
		for minute := range want {
			at := start.Add(time.Duration(minute) * time.Minute)
			s, err := from.At(at.Add(59 * time.Second))
			if err != nil {
				t.Fatal(err)
			}
			if got := states(s); got != want[minute] || !s.Changed.Equal(at) {
				t.Fatalf("minute %d of %v:\n%s, want\n%s", minute, s.Changed, got, want[minute])
			}
		}
		first, last, ok, err := from.Bounds()
		if !ok || err != nil || !first.Equal(start) || !last.Equal(start.Add(149*time.Minute)) {
			t.Errorf("from %v to %v, %v, %v", first, last, ok, err)
		}
		if _, err := from.At(start.Add(-1)); !errors.Is(err, ErrNoFrame) {
			t.Errorf("before the first frame: %v", err)
		}
	}
}

// A server is removed, one moves to another cluster, one is renamed, and one comes back later. Each
// frame still shows what was true at its time.
func TestHolesMovesAndNames(t *testing.T) {
	at := func(minute int) time.Time { return start.Add(time.Duration(minute) * time.Minute) }
	server := func(name, cluster string) heatmap.Server {
		return heatmap.Server{Name: name, Cluster: cluster, Row: "r"}
	}
	l := open(t, Options{Dir: t.TempDir()})
	m := heatmap.NewMap(topologyOf(t, []heatmap.Server{server("a", "x"), server("b", "x"), server("c", "x"), server("d", "y")}))
	append1 := func(minute int) {
		t.Helper()
		if err := l.Append(at(minute), m.Snapshot()); err != nil {
			t.Fatal(err)
		}
	}
	set := func(name string, s heatmap.State) {
		i, _ := m.Topology().ByName(name)
		m.Set(i, s, at(0))
	}
	for name, s := range map[string]heatmap.State{"a": heatmap.Up, "b": heatmap.Down, "c": heatmap.Up, "d": heatmap.Down} {
		set(name, s)
	}
	append1(0)
	// b is gone, c has moved
	m.Replace(topologyOf(t, []heatmap.Server{server("a", "x"), server("c", "y"), server("d", "y")}))
	append1(1)
	// b is back, d is now e
	m.Replace(topologyOf(t, []heatmap.Server{server("a", "x"), server("b", "x"), server("c", "y"), server("e", "y")}))
	set("e", heatmap.Up)
	append1(2)
	for minute, want := range []string{
		"a@x/r=up b@x/r=down c@x/r=up d@y/r=down ",
		"a@x/r=up c@y/r=up d@y/r=down ",
		"a@x/r=up b@x/r=unknown c@y/r=up e@y/r=up ",
	} {
		s, err := l.At(at(minute))
		if err != nil {
			t.Fatal(err)
		}
		if got := states(s); got != want {
			t.Errorf("minute %d: %s, want %s", minute, got, want)
		}
	}
	before, _ := l.At(at(0))
	after, _ := l.At(at(2))
	d, err := heatmap.Compare(before, after)
	if err != nil || d.Added != 1 || d.Removed != 1 || d.Failed.Count() != 0 || d.Recovered.Count() != 0 || d.StillUp.Count() != 3 {
		t.Errorf("difference %+v, %v", d, err)
	}
}

// The frames that a Log has written are in the map's own topology, which need not be decoded, over
// midnight, too.
func TestWrittenTopologyIsKnown(t *testing.T) {
	l := open(t, Options{Dir: t.TempDir()})
	m := heatmap.NewMap(topologyOf(t, servers(20)))
	for hour := range 2 {
		if err := l.Append(start.Add(time.Duration(hour)*time.Hour), m.Snapshot()); err != nil {
			t.Fatal(err)
		}
	}
	for hour := range 2 {
		if s, err := l.At(start.Add(time.Duration(hour) * time.Hour)); err != nil || s.Topology != m.Topology() {
			t.Errorf("hour %d: another topology, or %v", hour, err)
		}
	}
}

// threeFrames writes a history in which one more of 20 servers is down each minute, and returns the
// map and the file's name and contents.
func threeFrames(t *testing.T, dir string) (m *heatmap.Map, name string, whole []byte) {
	t.Helper()
	m = heatmap.NewMap(topologyOf(t, servers(20)))
	l := open(t, Options{Dir: dir})
	for i := range 3 {
		m.Set(i, heatmap.Down, start)
		if err := l.Append(start.Add(time.Duration(i)*time.Minute), m.Snapshot()); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	name = filepath.Join(dir, "2026-11-29.heat")
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return m, name, whole
}

func TestTornFileIsContinued(t *testing.T) {
	dir := t.TempDir()
	m, name, whole := threeFrames(t, dir)
	for cut := range len(whole) {
		if err := os.WriteFile(name, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		l := open(t, Options{Dir: dir})
		m.Set(10, heatmap.Up, start)
		if err := l.Append(start.Add(5*time.Minute), m.Snapshot()); err != nil {
			t.Fatalf("cut to %d bytes: %v", cut, err)
		}
		if s, err := l.At(start.Add(5 * time.Minute)); err != nil || s.State(10) != heatmap.Up || s.State(2) != heatmap.Down {
			t.Fatalf("cut to %d bytes: %v", cut, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOldDaysAreDeleted(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Options{Dir: dir, Keep: 48 * time.Hour})
	m := heatmap.NewMap(topologyOf(t, servers(3)))
	for day := range 5 {
		if err := l.Append(start.AddDate(0, 0, day), m.Snapshot()); err != nil {
			t.Fatal(err)
		}
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) != 3 {
		t.Errorf("files are %v, %v", names, err)
	}
	if err := l.Append(start, m.Snapshot()); err == nil {
		t.Error("a frame of a day that is over was taken")
	}
}

func TestDamageIsFound(t *testing.T) {
	dir := t.TempDir()
	_, name, whole := threeFrames(t, dir)
	for at := range whole {
		damaged := append([]byte(nil), whole...)
		damaged[at] ^= 0x40
		if err := os.WriteFile(name, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := open(t, Options{Dir: dir}).At(start.Add(time.Hour))
		if err == nil && (s.State(2) == heatmap.Down && s.State(3) == heatmap.Unknown && s.Changed.Equal(start.Add(2*time.Minute))) {
			t.Fatalf("byte %d is damaged, and nothing told", at)
		}
		if err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNoFrame) {
			t.Fatalf("byte %d: %v", at, err)
		}
	}
}

// A file of a later version is not read, and not written to.
func TestOtherVersionIsRefused(t *testing.T) {
	dir := t.TempDir()
	m, name, whole := threeFrames(t, dir)
	whole[len(magic)-1]++
	if err := os.WriteFile(name, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	l := open(t, Options{Dir: dir})
	if _, err := l.At(start.Add(time.Hour)); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "version 1") {
		t.Errorf("read: %v", err)
	}
	if err := l.Append(start.Add(time.Minute), m.Snapshot()); !errors.Is(err, ErrCorrupt) {
		t.Errorf("append: %v", err)
	}
	if now, err := os.ReadFile(name); err != nil || string(now) != string(whole) {
		t.Errorf("the file was changed: %v", err)
	}
}

func FuzzDecodeFrame(f *testing.F) {
	for _, n := range []int{0, 9, 400} {
		one, err := newFrame(n)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(n, one.encode())
		for i := 0; i < n; i += 2 {
			one.down.Set(i, true)
		}
		f.Add(n, one.encode())
	}
	f.Fuzz(func(t *testing.T, n int, b []byte) {
		if n < 0 || n > 10_000 {
			return
		}
		one, err := decodeFrame(b, n)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		again, err := decodeFrame(one.encode(), n)
		if err != nil || string(again.down.Bytes()) != string(one.down.Bytes()) || string(again.unknown.Bytes()) != string(one.unknown.Bytes()) {
			t.Fatalf("%d servers of %x do not come back: %v", n, b, err)
		}
	})
}

func FuzzDecodeTopology(f *testing.F) {
	base := topologyOf(f, servers(50))
	f.Add(encodeTopology(base, nil))
	f.Add(encodeTopology(topologyOf(f, servers(70)[9:]), base))
	f.Add(encodeTopology(topologyOf(f, nil), nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		topology, err := decodeTopology(b, base)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		again, err := decodeTopology(encodeTopology(topology, nil), nil)
		if err != nil || again.Len() != topology.Len() {
			t.Fatalf("does not come back: %v", err)
		}
		for i := range topology.Len() {
			if again.Server(i) != topology.Server(i) {
				t.Fatalf("server %d comes back as %+v, was %+v", i, again.Server(i), topology.Server(i))
			}
		}
	})
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(magic))
	f.Add(appendRecord(appendRecord([]byte(magic), topologyRecord, start, []byte("x")), keyRecord, start, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		name := filepath.Join(t.TempDir(), "2026-11-29.heat")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		l := open(t, Options{Dir: filepath.Dir(name)})
		if s, err := l.At(start.Add(time.Hour)); err == nil && s.Topology.Len() != s.Up.Len() {
			t.Fatal("a frame does not fit its topology")
		}
	})
}

// A day of 100,000 servers, of which about 40 change each minute, and a cluster that fails and
// recovers now and then, takes at most a 31st of 200 MB.
func TestDayOfALargeFleetIsSmall(t *testing.T) {
	const n, frames = 100_000, 288 // every fifth minute, with five minutes' changes
	dir, r := t.TempDir(), rand.New(rand.NewPCG(8, 8))
	l := open(t, Options{Dir: dir})
	m := heatmap.NewMap(topologyOf(t, servers(n)))
	for i := range n {
		m.Set(i, heatmap.Up, start)
	}
	midnight := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	var want string
	for f := range frames {
		at := midnight.Add(time.Duration(f) * 5 * time.Minute)
		for range 200 {
			i := r.IntN(n)
			m.Set(i, heatmap.Up-heatmap.State(r.IntN(2)), at)
		}
		if cluster := r.IntN(n / 100); f%20 < 2 {
			for i := range 100 {
				m.Set(cluster*100+i, heatmap.Up-heatmap.State(1-f%20), at)
			}
		}
		if err := l.Append(at, m.Snapshot()); err != nil {
			t.Fatal(err)
		}
		if f == 200 {
			want = string(m.Snapshot().Up.Bytes())
		}
	}
	info, err := os.Stat(filepath.Join(dir, "2026-11-29.heat"))
	if err != nil {
		t.Fatal(err)
	}
	if most := int64(200_000_000 / 31); info.Size() > most {
		t.Errorf("the day takes %d bytes, want at most %d", info.Size(), most)
	}
	if s, err := l.At(midnight.Add(1000 * time.Minute)); err != nil || string(s.Up.Bytes()) != want {
		t.Errorf("minute 1000 does not come back: %v", err)
	}
}
