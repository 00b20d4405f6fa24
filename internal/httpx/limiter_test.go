package httpx

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

var (
	testLimits = Limits{Requests: 10, Bytes: 1000, InFlight: 1000, NewNetworks: 5}
	netA       = netip.MustParseAddr("192.0.2.1")
	netB       = netip.MustParseAddr("198.51.100.1")
)

// enterAll returns how many of n uploads from addr are admitted, and ends them again.
func enterAll(s *Limiter, now time.Time, addr netip.Addr, n int) (in int) {
	for range n {
		if network := s.Network(now, addr); s.Enter(now, network) == None {
			s.Leave(network)
			in++
		}
	}
	return in
}

func TestNetworksHaveRequestRates(t *testing.T) {
	s, now := NewLimiter(testLimits), time.Unix(1_000_000, 0)
	if got := enterAll(s, now, netA, 500); got != 100 {
		t.Errorf("%d at once, want 100", got)
	}
	if got := enterAll(s, now, netip.MustParseAddr("192.0.2.200"), 5); got != 0 {
		t.Errorf("%d from another address of the /24, want 0", got)
	}
	if got := enterAll(s, now, netip.MustParseAddr("192.0.3.1"), 5); got != 5 {
		t.Errorf("%d from the next /24, want 5", got)
	}
	if got := enterAll(s, now.Add(2*time.Second), netA, 500); got != 20 {
		t.Errorf("%d after 2 s, want 20", got)
	}
	for _, host := range []string{"127.0.0.1", "127.9.9.9", "::1"} {
		if got := enterAll(s, now, netip.MustParseAddr(host), 500); got != 500 {
			t.Errorf("%d of %s, which is this host, want all", got, host)
		}
	}
}

func TestNetworksAreSlash48OfIPv6(t *testing.T) {
	s, now := NewLimiter(testLimits), time.Unix(1_000_000, 0)
	a, same, other := s.Network(now, netip.MustParseAddr("2001:db8:1::1")), s.Network(now, netip.MustParseAddr("2001:db8:1:ffff::2")), s.Network(now, netip.MustParseAddr("2001:db8:2::1"))
	if a != same || a == other || a == (Network{}) {
		t.Errorf("%v, %v, %v", a, same, other)
	}
}

func TestNetworksHaveByteRates(t *testing.T) {
	s, now := NewLimiter(testLimits), time.Unix(1_000_000, 0)
	a := s.Network(now, netA)
	enterAll(s, now, netA, 1)
	s.Charge(a, 12_000) // 10,000 at once
	if got := enterAll(s, now.Add(time.Second), netA, 1); got != 0 {
		t.Errorf("let in after 1 s")
	}
	if got := enterAll(s, now.Add(3*time.Second), netA, 1); got != 1 {
		t.Errorf("not let in after 3 s")
	}
}

func TestNetworksHaveRequestsInFlight(t *testing.T) {
	s, now := NewLimiter(Limits{Requests: 10, Bytes: 1000, InFlight: 2, NewNetworks: 5}), time.Unix(1_000_000, 0)
	a := s.Network(now, netA)
	for n, want := range []Excess{None, None, OfNetwork} {
		if got := s.Enter(now, a); got != want {
			t.Errorf("upload %d of 2: %v, want %v", n+1, got, want)
		}
	}
	s.Leave(a)
	if s.Enter(now, a) != None {
		t.Error("not let in though one has left")
	}
}

func TestNewNetworksAreCappedAndKnownOnesGoOn(t *testing.T) {
	s, now := NewLimiter(testLimits), time.Unix(1_000_000, 0)
	enterAll(s, now, netA, 1)
	in := 0
	for n := range 200 {
		in += enterAll(s, now, netip.AddrFrom4([4]byte{10, byte(n), 0, 1}), 1)
	}
	if in != 49 {
		t.Errorf("%d new networks at once beside the first, want 49", in)
	}
	if enterAll(s, now, netA, 1) != 1 {
		t.Error("a network that was seen before is shut out")
	}
	if enterAll(s, now, netB, 1) != 0 || enterAll(s, now.Add(time.Second), netB, 1) != 1 {
		t.Error("a new network has its turn a second later")
	}
}

func TestNetworksAreForgottenWithTheirKey(t *testing.T) {
	s, now := NewLimiter(testLimits), time.Unix(1_000_000, 0)
	before := s.Network(now, netA)
	enterAll(s, now, netA, 500)
	later := now.Add(limiterAge)
	if s.Network(later, netA) == before {
		t.Error("the same hash under the next key")
	}
	if got := enterAll(s, later, netA, 1); got != 1 {
		t.Error("what a network owed outlives the key")
	}
}

func TestTableIsBounded(t *testing.T) {
	s, now := NewLimiter(Limits{Requests: 10, Bytes: 1000, InFlight: 10, NewNetworks: 1e9}), time.Unix(1_000_000, 0)
	const n = 4 * limiterSets * limiterWays
	for i := range uint32(n) {
		var b [16]byte
		binary.BigEndian.PutUint32(b[2:], i)
		if s.Enter(now, s.Network(now, netip.AddrFrom16(b))) != None {
			t.Fatal("a new network is refused")
		}
	}
	if len(s.sets) != limiterSets {
		t.Errorf("%d sets", len(s.sets))
	}
}

// A relay limits neither bytes nor new networks.
func TestLimitsThatAreNotSet(t *testing.T) {
	s, now := NewLimiter(Limits{Requests: 10, InFlight: 1000}), time.Unix(1_000_000, 0)
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
		{limiterAge, "192.0.2.1", 500, 100},
	} {
		addr := netip.MustParseAddr(c.addr)
		s.Charge(s.Network(now.Add(c.after), addr), 1<<30)
		if got := enterAll(s, now.Add(c.after), addr, c.n); got != c.want {
			t.Errorf("after %v: %d of %d from %s, want %d", c.after, got, c.n, c.addr, c.want)
		}
	}
	for n := range 20_000 {
		if enterAll(s, now, netip.AddrFrom4([4]byte{10, byte(n >> 8), byte(n), 1}), 1) != 1 {
			t.Fatalf("new network %d is refused", n)
		}
	}
	s = NewLimiter(Limits{})
	for range 10_000 {
		if s.Enter(now, s.Network(now, netA)) != None {
			t.Fatal("a limiter without limits refuses")
		}
	}
}

func TestLeavingAfterTheKeyIsGone(t *testing.T) {
	s, now := NewLimiter(Limits{Requests: 10, InFlight: 2}), time.Unix(1_000_000, 0)
	first := s.Network(now, netA)
	s.Enter(now, first)
	later := now.Add(limiterAge) // all is forgotten
	second := s.Network(later, netA)
	s.Enter(later, second)
	for range 3 {
		s.Leave(first)
		s.Leave(second)
	}
	for n := range 3 {
		if got, want := s.Enter(later, second) == None, n < 2; got != want {
			t.Errorf("request %d of 2 at one time: let in %v", n+1, got)
		}
	}
}

func TestLimitsChange(t *testing.T) {
	s, now := NewLimiter(testLimits), time.Unix(1_000_000, 0)
	enterAll(s, now, netA, 60)
	s.SetLimits(Limits{Requests: 5})
	if got := enterAll(s, now, netA, 10); got != 0 {
		t.Errorf("%d let in though half of the rate is used up", got)
	}
	if got := enterAll(s, now.Add(4*time.Second), netA, 100); got != 10 {
		t.Errorf("%d let in after 4 s, want 10", got)
	}
}
