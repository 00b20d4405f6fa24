package collector_test

import (
	"bytes"
	"net/http/httptest"
	"testing"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/bhttp"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
)

// Whatever is inside an encapsulated request gets an encapsulated answer, never one without
// protection and never an error of the gateway's own; a policy comes of one request only, and
// nothing is stored of any.
func FuzzObliviousMessage(f *testing.F) {
	g := newGatewayRig(f, func(_ *collector.Options, _ *sqliteinbox.Options) {})
	key := config(f, g.key)
	for _, m := range []*bhttp.Request{policyMessage, g.batchMessage(batchID(1), []byte("garbage")), {Method: "GET", Scheme: "http", Authority: "192.0.2.1", Path: "/"}} {
		f.Add(must(bhttp.AppendRequest(nil, m))(f))
	}
	f.Add([]byte{2})
	f.Fuzz(func(t *testing.T, message []byte) {
		if len(message) > protocol.MaxObliviousRequest-ohttp.Overhead {
			return
		}
		body, x, err := key.Encapsulate(message)
		if err != nil {
			t.Fatal(err)
		}
		req := httptest.NewRequest("POST", "/v1/oblivious", bytes.NewReader(body))
		req.RemoteAddr = "127.0.0.1:1" // this host, which has no limits
		req.Header.Set("Content-Type", ohttp.MediaTypeRequest)
		a := serve(g.Handler(), req)
		if a.status != 200 {
			t.Fatalf("status %d: %q", a.status, a.body)
		}
		plain, err := x.Open(a.body)
		if err != nil {
			t.Fatal(err)
		}
		m, err := bhttp.DecodeResponse(plain)
		if err != nil || m.Status == 500 {
			t.Fatalf("%+v, %v", m, err)
		}
		asked, err := bhttp.DecodeRequest(message)
		if policy := bhttp.Get(m.Header, "content-type") == protocol.MediaTypePolicy; policy && (err != nil || asked.Path != "/v1/policy" || asked.Method != "GET") {
			t.Fatalf("a policy for %+v, %v", asked, err)
		}
		if len(must(g.inbox.Read(t.Context(), 0, 1))(t)) != 0 { // the fuzzer cannot seal
			t.Fatal("something is stored")
		}
	})
}

// Whatever is sent as an encapsulated request gets an answer of the client's fault, and is
// remembered only when it opens.
func FuzzObliviousBody(f *testing.F) {
	g := newGatewayRig(f, func(_ *collector.Options, _ *sqliteinbox.Options) {})
	good, _ := g.encapsulate(g.key, policyMessage)
	f.Add(good[:len(good)-1])
	f.Add(append(bytes.Clone(good), 0))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		req := httptest.NewRequest("POST", "/v1/oblivious", bytes.NewReader(body))
		req.RemoteAddr = "127.0.0.1:1"
		req.Header.Set("Content-Type", ohttp.MediaTypeRequest)
		if a := serve(g.Handler(), req); a.status != 400 && a.status != 413 && a.status != 422 {
			t.Fatalf("status %d: %q", a.status, a.body)
		}
	})
}
