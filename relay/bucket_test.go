package relay

import (
	"log/slog"
	"net/http"
	"net/netip"
	"testing"

	"github.com/heliograph-net/heliograph/internal/daykey"
	"github.com/heliograph-net/heliograph/internal/protocol"
)

// A relay discloses buckets as soon as the collector has said that it reads them, and stops when
// the collector no longer says so: a collector of an older release would not believe the rest
// either.
func TestBucketsAreForCollectorsThatReadThem(t *testing.T) {
	var places daykey.Key
	g := newGateway(Settings{}, &Options{Logger: slog.New(slog.DiscardHandler)}, &places)
	addr := netip.MustParseAddr("192.0.2.1")
	if got := g.network(addr).String(); got != "AS0, ZZ" {
		t.Errorf("before any answer: %q", got)
	}
	g.heard(&http.Response{Header: http.Header{protocol.HeaderNetwork: {protocol.NetworkBuckets}}})
	n := g.network(addr)
	if n.Bucket == 0 || n.ASN != 0 || n.Country != "ZZ" {
		t.Errorf("after the answer of a new one: %v", n)
	}
	if other := g.network(netip.MustParseAddr("192.0.2.200")); other != n {
		t.Errorf("two clients of one network are %v and %v", n, other)
	}
	if n := g.network(netip.MustParseAddr("127.0.0.1")); n.Bucket != 0 {
		t.Errorf("this host is in bucket %d", n.Bucket)
	}
	g.heard(&http.Response{Header: http.Header{}})
	if got := g.network(addr).String(); got != "AS0, ZZ" {
		t.Errorf("after the answer of an old one: %q", got)
	}
}
