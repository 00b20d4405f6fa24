package relay

import (
	"net/netip"
	"testing"
	"time"
)

// let counts how many of n requests of addr are let in.
func let(s *sources, now time.Time, addr string, n int) (in int) {
	for range n {
		if at, ok := s.enter(now, netip.MustParseAddr(addr)); ok {
			s.leave(at)
			in++
		}
	}
	return in
}

func TestSourcesHaveRates(t *testing.T) {
	s, now := newSources(10, 1000), time.Unix(1_000_000, 0)
	for _, c := range []struct {
		after time.Duration
		addr  string
		n     int
		want  int
	}{
		{0, "192.0.2.1", 500, 100},
		{0, "192.0.2.200", 5, 0},
		{0, "192.0.3.1", 5, 5},
		{0, "127.0.0.1", 500, 500},
		{0, "::1", 500, 500},
		{2 * time.Second, "192.0.2.1", 500, 20},
		{2 * time.Second, "2001:db8:1::1", 500, 100},
		{2 * time.Second, "2001:db8:1:ffff::1", 5, 0},
		{2 * time.Second, "2001:db8:2::1", 5, 5},
		{sourceKeyAge, "192.0.2.1", 500, 100},
	} {
		if got := let(s, now.Add(c.after), c.addr, c.n); got != c.want {
			t.Errorf("after %v: %d of %d from %s, want %d", c.after, got, c.n, c.addr, c.want)
		}
	}
}

func TestSourcesHaveRequestsInFlight(t *testing.T) {
	s, now := newSources(10, 2), time.Unix(1_000_000, 0)
	addr := netip.MustParseAddr("192.0.2.1")
	first, ok1 := s.enter(now, addr)
	_, ok2 := s.enter(now, addr)
	if _, ok3 := s.enter(now, addr); !ok1 || !ok2 || ok3 {
		t.Error("want 2 of 3 let in")
	}
	s.leave(first)
	if _, ok := s.enter(now, addr); !ok {
		t.Error("not let in though one has left")
	}
	s.enter(now.Add(sourceKeyAge), addr) // all is forgotten
	s.leave(first)
	s.leave(first)
	if s.places[first].inFlight < 0 {
		t.Error("fewer than none are in flight")
	}
}

func TestNetworksAreForgottenWithTheirKey(t *testing.T) {
	s, now := newSources(10, 2), time.Unix(1_000_000, 0)
	addr := netip.MustParseAddr("192.0.2.1")
	same := 0
	for hour := range 8 {
		at, _ := s.enter(now.Add(time.Duration(hour)*sourceKeyAge), addr)
		next, _ := s.enter(now.Add(time.Duration(hour+1)*sourceKeyAge), addr)
		if at == next {
			same++
		}
	}
	if same > 4 {
		t.Error("the same place under every key")
	}
}
