package heatmap

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

var epoch = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func TestMapKeepsStateAndItsTime(t *testing.T) {
	m := NewMap(mustTopology(t, fleet(1, 1, 1, 3)))
	if got := m.Counts(); got != (Counts{Unknown: 3}) || m.Snapshot().Version != 0 {
		t.Fatalf("a new map has %+v, version %d", got, m.Snapshot().Version)
	}
	for i, step := range []struct {
		state   State
		changed bool
		since   int // step in which the state began
	}{
		{Unknown, false, -1}, {Up, true, 1}, {Up, false, 1}, {Down, true, 3}, {Down, false, 3}, {Unknown, true, 5}, {Up, true, 6},
	} {
		if got := m.Set(1, step.state, epoch.Add(time.Duration(i)*time.Second)); got != step.changed {
			t.Errorf("step %d: Set says changed = %v", i, got)
		}
		state, since := m.State(1)
		want := time.Time{}
		if step.since >= 0 {
			want = epoch.Add(time.Duration(step.since) * time.Second)
		}
		if state != step.state || !since.Equal(want) {
			t.Errorf("step %d: state %v since %v, want %v since %v", i, state, since, step.state, want)
		}
	}
	if m.Snapshot().Version != 4 || m.Counts() != (Counts{Up: 1, Unknown: 2}) {
		t.Errorf("version %d, counts %+v", m.Snapshot().Version, m.Counts())
	}
	if m.Set(-1, Up, epoch) || m.Set(3, Up, epoch) {
		t.Error("a server outside was set")
	}
}

func TestSnapshotIsACopy(t *testing.T) {
	m := NewMap(mustTopology(t, fleet(1, 2, 1, 2)))
	m.Set(0, Up, epoch)
	m.Set(3, Down, epoch.Add(time.Second))
	s := m.Snapshot()
	m.Set(0, Down, epoch.Add(2*time.Second))
	if s.State(0) != Up || s.State(3) != Down || s.State(1) != Unknown || s.State(4) != Unknown {
		t.Error("the snapshot moved, or was wrong")
	}
	if s.Version != 2 || !s.Changed.Equal(epoch.Add(time.Second)) || s.Counts() != (Counts{1, 1, 2}) {
		t.Errorf("snapshot is %+v", s)
	}
	cluster := m.Topology().DataCentres()[0].Children[1]
	if got := s.CountGroup(cluster); got != (Counts{Down: 1, Unknown: 1}) || got.Total() != 2 || got.Of(Down) != 1 {
		t.Errorf("the second cluster counts %+v", got)
	}
}

// Always exactly one server is up, and the writer moves it along. A torn snapshot would show none
// or two, or a server that is up but not known.
func TestSnapshotDoesNotTear(t *testing.T) {
	const n = 200
	m := NewMap(mustTopology(t, fleet(1, 1, 1, n)))
	m.Set(0, Up, epoch)
	stop := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for i := 1; ; i++ {
			select {
			case <-stop:
				return
			default:
				m.Set(i%n, Up, epoch)
				m.Set((i-1)%n, Unknown, epoch)
			}
		}
	})
	for range 2000 {
		s := m.Snapshot()
		if up := s.Up.Count(); up < 1 || up > 2 || !bytes.Equal(s.Up.Bytes(), s.Known.Bytes()) {
			t.Errorf("a snapshot shows %d servers up and %d known", up, s.Known.Count())
			break
		}
		if two := s.Up.Count() == 2; two != (s.Version%2 == 0) {
			t.Errorf("version %d does not belong to %d servers up", s.Version, s.Up.Count())
			break
		}
	}
	close(stop)
	group.Wait()
}

func TestDownNeedsAllAtTheAddress(t *testing.T) {
	m := NewMap(mustTopology(t, []Server{
		{Name: "a", Address: "192.0.2.1:443"}, {Name: "b", Address: "192.0.2.1:443"}, {Name: "c", Address: "192.0.2.2:443"},
	}))
	check := func(address string, want bool) {
		t.Helper()
		if got := m.Down(address); got != want {
			t.Errorf("Down(%s) = %v", address, got)
		}
	}
	check("192.0.2.1:443", false)
	m.Set(0, Down, epoch)
	check("192.0.2.1:443", true)
	m.Set(1, Up, epoch)
	check("192.0.2.1:443", false)
	m.Set(1, Down, epoch)
	check("192.0.2.1:443", true)
	check("192.0.2.2:443", false)
	check("192.0.2.9:443", false)
	check("rubbish", false)
}

func TestMapKeepsTheCountsOfEveryGroup(t *testing.T) {
	servers := fleet(4, 3, 2, 5)
	for i := range servers {
		servers[i].Region = []string{"north", "south"}[i/60]
	}
	first, second := mustTopology(t, servers), mustTopology(t, servers[7:])
	m, r := NewMap(first), rand.New(rand.NewPCG(4, 4))
	for step := range 2000 {
		m.Set(r.IntN(first.Len()), State(r.IntN(3)), epoch)
		if step == 1000 {
			m.Replace(second)
		}
	}
	s := m.Snapshot()
	groups := 0
	var check func(all []Group)
	check = func(all []Group) {
		for _, g := range all {
			if got, ok := m.CountGroup(second, g); !ok || got != s.CountGroup(g) {
				t.Errorf("group %q from %d: %+v, want %+v", g.Name, g.First, got, s.CountGroup(g))
			}
			groups++
			check(g.Children)
		}
	}
	check(second.Regions())
	// the first row of five is gone
	if want := 2 + 4 + 12 + 23; groups != want || m.Counts() != s.Counts() {
		t.Errorf("%d groups, want %d; all servers are %+v, want %+v", groups, want, m.Counts(), s.Counts())
	}
	if _, ok := m.CountGroup(first, first.Regions()[0]); ok {
		t.Error("a group of a former topology has counts")
	}
	if _, ok := m.CountGroup(second, Group{Len: 3}); ok {
		t.Error("a group of no topology has counts")
	}
}

func BenchmarkMapMillion(b *testing.B) {
	m := NewMap(mustTopology(b, fleet(10, 20, 50, 100)))
	b.Run("Set", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			m.Set(i%MaxServers, State(i%3), epoch)
		}
	})
	b.Run("Snapshot", func(b *testing.B) {
		for b.Loop() {
			m.Snapshot()
		}
	})
}

func TestReplaceKeepsWhatBothHave(t *testing.T) {
	topology := func(names ...string) *Topology {
		var servers []Server
		for _, n := range names {
			servers = append(servers, Server{Name: n, Address: "192.0.2.1:" + strconv.Itoa(400+len(n))})
		}
		top, err := NewTopology(servers)
		if err != nil {
			t.Fatal(err)
		}
		return top
	}
	m := NewMap(topology("a", "bb", "ccc"))
	m.Set(0, Up, time.UnixMilli(1000))
	m.Set(1, Down, time.UnixMilli(2000))
	before := m.Snapshot()
	m.Replace(topology("ccc", "dddd", "bb"))
	after := m.Snapshot()
	if after.Version != before.Version+1 || after.Replaced != before.Replaced+1 || after.Topology.Len() != 3 || before.Topology.Server(0).Name != "a" {
		t.Errorf("version %d and %d, topology %d and %d", before.Version, after.Version, before.Replaced, after.Replaced)
	}
	for i, want := range []State{Unknown, Unknown, Down} {
		if got, _ := m.State(i); got != want || after.State(i) != want {
			t.Errorf("server %d is %v, want %v", i, got, want)
		}
	}
	if _, since := m.State(2); since.UnixMilli() != 2000 {
		t.Errorf("bb is down since %v", since)
	}
	if !m.Down("192.0.2.1:402") || m.Down("192.0.2.1:401") {
		t.Error("addresses are not those of the new topology")
	}
}

// TestMapRemembersWhatChanged: the servers that changed since a version are told, each once, and
// what is too long ago or of another topology is not.
func TestMapRemembersWhatChanged(t *testing.T) {
	m := NewMap(mustTopology(t, fleet(1, 1, 1, 3000)))
	want := func(since uint64, servers ...int) {
		t.Helper()
		if got, ok := m.ChangedSince(since); !ok || !slices.Equal(got, servers) {
			t.Errorf("since %d: %v, %v, want %v", since, got, ok, servers)
		}
	}
	wantNone := func(since uint64) {
		t.Helper()
		if got, ok := m.ChangedSince(since); ok {
			t.Errorf("since %d: %v, want nothing known", since, got)
		}
	}
	want(0)
	wantNone(1)
	for _, i := range []int{7, 2, 7} {
		m.Set(i, Down, epoch)
		m.Set(i, Up, epoch)
	}
	m.Set(5, Unknown, epoch) // no change
	want(0, 2, 7)
	want(4, 7)
	want(6)
	for i := range recentChanges {
		m.Set(1000+i, Up, epoch)
	}
	wantNone(5)
	if got, ok := m.ChangedSince(6); !ok || len(got) != recentChanges || got[0] != 1000 {
		t.Errorf("the last %d changes: %d, %v", recentChanges, len(got), ok)
	}
	before := m.Version()
	m.Replace(mustTopology(t, fleet(1, 1, 1, 3000)))
	wantNone(before)
	want(before + 1)
}
