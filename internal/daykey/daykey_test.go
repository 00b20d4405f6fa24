package daykey

import (
	"net/netip"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func TestKeyLastsForAUTCDay(t *testing.T) {
	var k Key
	first := k.At(noon)
	if first == [32]byte{} || k.At(noon.Add(11*time.Hour)) != first {
		t.Error("a day has more than one key, or none")
	}
	next := k.At(noon.Add(12 * time.Hour))
	if next == first || k.At(noon) == first {
		t.Error("the key of a day outlives it")
	}
}

// A bucket is as coarse as the networks to which limits apply.
func TestBucketsAreOfNetworks(t *testing.T) {
	var k Key
	of := func(addr string) report.Bucket { return k.Bucket(noon, netip.MustParseAddr(addr)) }
	for _, same := range [][2]string{
		{"192.0.2.1", "192.0.2.254"}, {"2001:db8:1::1", "2001:db8:1:ffff::2"}, {"192.0.2.1", "::ffff:192.0.2.9"},
	} {
		if of(same[0]) != of(same[1]) || of(same[0]) == 0 {
			t.Errorf("%v are in buckets %d and %d", same, of(same[0]), of(same[1]))
		}
	}
	for _, unknown := range []netip.Addr{{}, netip.MustParseAddr("127.3.0.1"), netip.IPv6Loopback(), netip.MustParseAddr("::ffff:127.0.0.1")} {
		if got := k.Bucket(noon, unknown); got != 0 {
			t.Errorf("%v is in bucket %d, want none", unknown, got)
		}
	}
}

// 60 networks fall into 59.6 buckets on average, and 4,096 into 2,589. So dozens of networks can be
// counted, and many networks share each bucket.
func TestBucketsAreSpread(t *testing.T) {
	var k Key
	seen := map[report.Bucket]bool{}
	for n := range 4096 {
		b := k.Bucket(noon, netip.AddrFrom4([4]byte{10, byte(n >> 8), byte(n), 1}))
		if b < 1 || b > report.MaxBucket {
			t.Fatalf("bucket %d", b)
		}
		if seen[b] = true; n == 59 && len(seen) < 50 {
			t.Errorf("60 networks are in %d buckets", len(seen))
		}
	}
	if len(seen) < 2400 || len(seen) > 2780 {
		t.Errorf("4096 networks are in %d buckets, want about 2589", len(seen))
	}
}

func TestBucketsOfAnotherDayOrKeyDiffer(t *testing.T) {
	var a, b Key
	same, sameDay := 0, 0
	for n := range 256 {
		addr := netip.AddrFrom4([4]byte{192, 0, byte(n), 1})
		if sameDay++; a.Bucket(noon, addr) == b.Bucket(noon, addr) {
			same++
		}
	}
	var next [256]report.Bucket
	for n := range next {
		next[n] = a.Bucket(noon.Add(24*time.Hour), netip.AddrFrom4([4]byte{192, 0, byte(n), 1}))
	}
	for n := range next {
		if a.Bucket(noon.Add(48*time.Hour), netip.AddrFrom4([4]byte{192, 0, byte(n), 1})) == next[n] {
			same++
		}
	}
	if same > 8 { // 1 in 8 runs of the test sees one
		t.Errorf("%d of 512 buckets stay the same", same)
	}
}
