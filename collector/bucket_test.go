package collector_test

import (
	"bytes"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/internal/protocol/feed"
	"github.com/heliograph-net/heliograph/privacy/auth"
	"github.com/heliograph-net/heliograph/report"
)

// buckets are those that a feed tells, with a header Accept or without.
func (r *rig) buckets(accept string) (all []report.Bucket) {
	r.t.Helper()
	req := must(http.NewRequestWithContext(r.t.Context(), "GET", r.url+"/v1/feed", nil))(r.t)
	req.Header.Set("Authorization", auth.SignFeed(r.feedKey, "c1", "GET", "/v1/feed", time.Now()))
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	for _, e := range r.batches(r.do(req)) {
		all = append(all, e.Bucket)
	}
	return all
}

// The collector says of a client's place what is enough to tell places apart, to detectors that can
// read it.
func TestBucketsOfClients(t *testing.T) {
	r := newRig(t, func(o *collector.Options, _ *sqliteinbox.Options) { trustLoopback(o) })
	for n, from := range []string{"192.0.2.1", "192.0.2.77", "198.51.100.1", "2001:db8:7::1", "2001:db8:7:9::2", "127.0.0.9"} {
		r.statement(r.do(behindProxy(r.upload(batchID(uint32(n)+1), bytes.NewReader(r.segment(uint32(n)+1))), from)))
	}
	got := r.buckets(feed.Accept)
	if len(got) != 6 || got[0] == 0 || got[0] != got[1] || got[3] == 0 || got[3] != got[4] || got[2] == 0 || got[5] != 0 {
		t.Errorf("buckets %v: want two of one, one, two of one, and none of this host", got)
	}
	// two of three may meet
	if distinct := slices.Compact(slices.Sorted(slices.Values(got))); len(distinct) < 3 {
		t.Errorf("buckets %v", got)
	}
	for _, old := range []string{"", protocol.MediaTypeFeed} {
		if got := r.buckets(old); !slices.Equal(got, make([]report.Bucket, 6)) {
			t.Errorf("a detector of release 0.1 with %q gets %v", old, got)
		}
	}
}

// What a known relay says of its client's place is handed on; who cannot be believed is where the
// request came from.
func TestBucketsOfRelays(t *testing.T) {
	g := newGatewayRig(t, func(o *collector.Options, _ *sqliteinbox.Options) { trustLoopback(o) })
	ask := func(n uint32, network, from string, known bool) report.Bucket {
		t.Helper()
		body, x := g.encapsulate(g.key, g.batchMessage(batchID(n), g.segment(n)))
		key := g.relay
		if !known {
			key = nil
		}
		a := g.do(behindProxy(g.outer(body, network, key), from))
		if said := a.header.Get(protocol.HeaderNetwork); said != protocol.NetworkBuckets {
			t.Errorf("the gateway says %q of buckets", said)
		}
		g.receipt(g.open(a, x))
		all := g.stored()
		return all[len(all)-1].Bucket
	}
	if got := ask(1, "AS64599, FR, 1234", "192.0.2.1", true); got != 1234 {
		t.Errorf("bucket %d, want the relay's", got)
	}
	if got := ask(2, "AS64599, FR", "192.0.2.1", true); got != 0 {
		t.Errorf("bucket %d of a relay that tells none", got)
	}
	first, second := ask(3, "", "192.0.2.1", false), ask(4, "", "192.0.2.9", false)
	if first == 0 || first != second {
		t.Errorf("buckets %d and %d of a relay that is not known, want one", first, second)
	}
	if a := g.do(must(http.NewRequestWithContext(t.Context(), "GET", g.url+protocol.PathObliviousKeys, nil))(t)); a.header.Get(protocol.HeaderNetwork) != protocol.NetworkBuckets {
		t.Errorf("with its keys the gateway says %v", a.header)
	}
}
