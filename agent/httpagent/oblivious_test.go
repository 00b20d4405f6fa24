package httpagent_test

import (
	"crypto/ed25519"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/auth"
	"github.com/heliograph-net/heliograph/privacy/bhttp"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

// relayed is a collector that must not be connected to, behind a relay that plays its gateway.
func relayed(t *testing.T, ca *authority, keys func() *ohttp.PrivateKey, seen func(*http.Request)) policy.Collector {
	t.Helper()
	receipt := ed25519.NewKeyFromSeed(make([]byte, 32))
	trap := collector(t, ca, func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the collector itself was asked: %s %s", r.Method, r.URL)
	})
	s := collector(t, ca, func(rw http.ResponseWriter, r *http.Request) {
		seen(r)
		body, _ := io.ReadAll(r.Body)
		g, err := ohttp.NewGateway(keys())
		must(t, err)
		if r.Method == http.MethodGet {
			rw.Header().Set(protocol.HeaderGatewayKeys, auth.SignGatewayKeys(receipt, "c1", g.Configs(), time.Now()))
			_, _ = rw.Write(g.Configs())
			return
		}
		message, reply, err := g.Decapsulate(body)
		if err != nil {
			rw.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		m, err := bhttp.DecodeRequest(message)
		must(t, err)
		b, err := bhttp.AppendResponse(nil, &bhttp.Response{Status: 200, Content: []byte(m.Path + " " + string(m.Content))})
		must(t, err)
		sealed, err := reply.Seal(b)
		must(t, err)
		_, _ = rw.Write(sealed)
	})
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	must(t, err)
	return policy.Collector{ID: "c1", URL: trap.URL, ReceiptKey: receipt.Public().(ed25519.PublicKey), Relay: "https://shop.test:" + port + "/v1/oblivious",
		Addresses: []string{s.Listener.Addr().String()}, ObliviousKeys: keys().AppendConfig(nil)}
}

// TestThroughARelay: batches and policies go to the relay, whose name does not resolve, at its
// addresses; what the relay gets beside the sealed request is the same from every agent.
func TestThroughARelay(t *testing.T) {
	ca := newAuthority(t)
	key, err := ohttp.GenerateKey(ohttp.X25519())
	must(t, err)
	c := relayed(t, ca, func() *ohttp.PrivateKey { return key }, func(r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/v1/oblivious" || r.ProtoMajor != 2 || r.Header.Get("Content-Type") != ohttp.MediaTypeRequest ||
			r.Header.Get("User-Agent") != "heliograph/1" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		for name := range r.Header {
			if name != "Content-Type" && name != "Content-Length" && name != "User-Agent" {
				t.Errorf("header %s tells more than it must", name)
			}
		}
	})
	tr := transport(t, httpagent.TransportOptions{RootCAs: ca.pool, Resolver: resolver(nameServer(t, dns.RcodeNameError))})
	if got := tr.Deliver(t.Context(), c, report.BatchID{1}, nil, []byte("segment")); string(got.Body) != "/v1/batches segment" || got.Outcome != report.OK {
		t.Errorf("%+v", got)
	}
	if got := tr.FetchPolicy(t.Context(), c, ""); string(got.Body) != "/v1/policy " || got.Outcome != report.OK {
		t.Errorf("%+v", got)
	}
	c.Pins = [][]byte{make([]byte, 32)}
	if got := tr.FetchPolicy(t.Context(), c, ""); got.Outcome != report.TLSCertPinnedKeyNotInChain {
		t.Errorf("a relay without the pinned key: %+v", got)
	}
	c.Pins, c.Addresses = nil, nil
	if got := tr.FetchPolicy(t.Context(), c, ""); got.Outcome != report.DNSNameNotResolved {
		t.Errorf("no relay: %+v", got)
	}
}

// TestOtherKeysThroughARelay: keys are asked for where the request was sent.
func TestOtherKeysThroughARelay(t *testing.T) {
	ca := newAuthority(t)
	var key atomic.Pointer[ohttp.PrivateKey]
	first, err := ohttp.ParsePrivateKey(append([]byte{1, 0x64, 0x7a}, make([]byte, 32)...))
	must(t, err)
	second, err := ohttp.ParsePrivateKey(append([]byte{2, 0x64, 0x7a}, make([]byte, 32)...))
	must(t, err)
	key.Store(first)
	var asked atomic.Int32
	c := relayed(t, ca, key.Load, func(r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == "/v1/oblivious/keys" {
			asked.Add(1)
		}
	})
	tr := transport(t, httpagent.TransportOptions{RootCAs: ca.pool, Resolver: resolver(nameServer(t, dns.RcodeNameError))})
	key.Store(second)
	if got := tr.FetchPolicy(t.Context(), c, ""); got.Outcome != report.OK || asked.Load() != 1 {
		t.Errorf("%+v, asked %d times", got, asked.Load())
	}
}
