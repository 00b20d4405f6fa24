package collector_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/auth"
	"github.com/heliograph-net/heliograph/privacy/bhttp"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// gatewayRig is a rig that is a gateway, with a relay that it knows.
type gatewayRig struct {
	*rig
	key   *ohttp.PrivateKey
	relay ed25519.PrivateKey
}

func newGatewayRig(t testing.TB, change func(*collector.Options, *sqliteinbox.Options)) *gatewayRig {
	g := &gatewayRig{key: must(ohttp.GenerateKey(ohttp.MLKEM768X25519()))(t), relay: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{4}, 32))}
	g.rig = newRig(t, func(o *collector.Options, io *sqliteinbox.Options) {
		g.in(&o.Settings)
		if change != nil {
			change(o, io)
		}
	})
	return g
}

func (g *gatewayRig) in(s *collector.Settings) {
	s.ObliviousKeys = []*ohttp.PrivateKey{g.key}
	s.RelayKeys = []ed25519.PublicKey{g.relay.Public().(ed25519.PublicKey)}
}

// config is what an agent has of the key.
func config(t testing.TB, key *ohttp.PrivateKey) *ohttp.KeyConfig {
	return must(ohttp.ParseKeyConfigs(key.AppendConfig(nil), ohttp.MLKEM768X25519(), ohttp.X25519()))(t)[0]
}

// batchMessage is an agent's upload as a message.
func (r *rig) batchMessage(id report.BatchID, segment []byte) *bhttp.Request {
	return &bhttp.Request{Method: "POST", Scheme: "https", Authority: "c1", Path: "/v1/batches", Header: []bhttp.Field{
		{Name: "content-type", Value: protocol.MediaTypeSegment}, {Name: "heliograph-batch", Value: id.String()},
		{Name: "heliograph-delivery", Value: base64.RawURLEncoding.EncodeToString(must(report.AppendDelivery(nil, testDelivery))(r.t))},
	}, Content: segment}
}

var policyMessage = &bhttp.Request{Method: "GET", Scheme: "https", Authority: "c1", Path: "/v1/policy"}

// encapsulate seals a message as an agent does.
func (g *gatewayRig) encapsulate(key *ohttp.PrivateKey, m *bhttp.Request) ([]byte, *ohttp.Exchange) {
	g.t.Helper()
	b, x, err := config(g.t, key).Encapsulate(bhttp.Pad(must(bhttp.AppendRequest(nil, m))(g.t), 0, protocol.ObliviousPadding))
	if err != nil {
		g.t.Fatal(err)
	}
	return b, x
}

// outer is the request of a relay; network "" and key nil: of a relay that signs nothing.
func (g *gatewayRig) outer(body []byte, network string, key ed25519.PrivateKey) *http.Request {
	req := must(http.NewRequestWithContext(g.t.Context(), "POST", g.url+"/v1/oblivious", bytes.NewReader(body)))(g.t)
	req.Header.Set("Content-Type", ohttp.MediaTypeRequest)
	if key != nil {
		req.Header.Set(protocol.HeaderNetwork, network)
		req.Header.Set("Authorization", auth.SignRelay(key, "c1", network, body, time.Now()))
	}
	return req
}

// open opens an answer.
func (g *gatewayRig) open(a answer, x *ohttp.Exchange) *bhttp.Response {
	g.t.Helper()
	if a.status != http.StatusOK || a.header.Get("Content-Type") != ohttp.MediaTypeResponse {
		g.t.Fatalf("status %d, type %q, body %.100q: want an encapsulated response", a.status, a.header.Get("Content-Type"), a.body)
	}
	if len(a.body) > protocol.MaxObliviousResponse {
		g.t.Errorf("response of %d bytes", len(a.body))
	}
	plain := must(x.Open(a.body))(g.t)
	if len(plain)%protocol.ObliviousPadding != 0 {
		g.t.Errorf("response is padded to %d bytes", len(plain))
	}
	return must(bhttp.DecodeResponse(plain))(g.t)
}

// ask sends a message through a relay that signs.
func (g *gatewayRig) ask(m *bhttp.Request) *bhttp.Response {
	g.t.Helper()
	body, x := g.encapsulate(g.key, m)
	return g.open(g.do(g.outer(body, "AS64501, DE", g.relay)), x)
}

func (g *gatewayRig) receipt(m *bhttp.Response) receipt.Statement {
	g.t.Helper()
	if got := bhttp.Get(m.Header, "content-type"); got != protocol.MediaTypeReceipt {
		g.t.Fatalf("status %d, type %q, body %q: want a receipt", m.Status, got, m.Content)
	}
	return must(receipt.Verify(g.receipts, m.Content))(g.t)
}

func TestObliviousBatchIsStored(t *testing.T) {
	g := newGatewayRig(t, nil)
	segment := g.segment(1)
	m := g.ask(g.batchMessage(batchID(1), segment))
	if s := g.receipt(m); m.Status != 202 || s.Decision != receipt.Stored || s.Reason != "" || s.Body != sha(segment) || s.Batch != batchID(1) {
		t.Errorf("status %d: %+v", m.Status, s)
	}
	if s := g.receipt(g.ask(g.batchMessage(batchID(1), segment))); s.Decision != receipt.Stored || s.Reason != receipt.ReasonDuplicate {
		t.Errorf("again, encapsulated anew: %+v", s)
	}
	if s, _ := g.send(batchID(1), segment); s.Reason != receipt.ReasonDuplicate {
		t.Errorf("again, without a relay: %+v", s)
	}
	all := g.stored()
	if len(all) != 1 || all[0].ASN != 64501 || all[0].Country != "DE" || all[0].Delivery.Age != testDelivery.Age || !bytes.Equal(all[0].Segment, segment) {
		t.Errorf("stored: %+v", all)
	}
}

func TestObliviousRefusalsAreReceiptsToo(t *testing.T) {
	g := newGatewayRig(t, nil)
	for name, c := range map[string]struct {
		m      *bhttp.Request
		reason string
	}{
		"garbage":          {g.batchMessage(batchID(1), []byte("garbage")), receipt.ReasonMalformed},
		"nothing":          {g.batchMessage(batchID(1), nil), receipt.ReasonTruncated},
		"too large":        {g.batchMessage(batchID(1), make([]byte, seal.MaxSegment+1)), receipt.ReasonTooLarge},
		"the next version": {g.batchMessage(batchID(1), []byte("HGS\x02")), receipt.ReasonVersion},
	} {
		m := g.ask(c.m)
		if s := g.receipt(m); m.Status < 400 || s.Decision != receipt.Refused || s.Reason != c.reason {
			t.Errorf("%s: status %d, %+v", name, m.Status, s)
		}
	}
	foreign := sealed(t, must(seal.GenerateOpenKey())(t).SealKey(), batchID(1))
	if s := g.receipt(g.ask(g.batchMessage(batchID(1), foreign))); s.Decision != receipt.SlowDown || s.Reason != receipt.ReasonUnknownKey {
		t.Errorf("an unknown key: %+v", s)
	}
	if len(g.stored()) != 0 || g.metric("body_bytes") != 0 {
		t.Errorf("%d stored, %v bytes in use", len(g.stored()), g.metric("body_bytes"))
	}
}

// A segment with a content coding is neither stored nor refused for good: the agent asks another.
func TestObliviousContentCodings(t *testing.T) {
	g := newGatewayRig(t, nil)
	for n, coding := range []string{"gzip", "deflate", "br", "identity, gzip", "GZIP"} {
		m := g.batchMessage(batchID(uint32(n+1)), gzipped(g.segment(uint32(n+1))))
		m.Header = append(m.Header, bhttp.Field{Name: "content-encoding", Value: coding})
		if a := g.ask(m); a.Status != http.StatusUnsupportedMediaType || strings.Contains(bhttp.Get(a.Header, "content-type"), "receipt") {
			t.Errorf("%s: status %d, %q", coding, a.Status, a.Content)
		}
	}
	if got := g.stored(); len(got) != 0 || g.metric("body_bytes") != 0 {
		t.Errorf("%d batches are stored, %v bytes in use", len(got), g.metric("body_bytes"))
	}
	plain := g.batchMessage(batchID(9), g.segment(9))
	plain.Header = append(plain.Header, bhttp.Field{Name: "content-encoding", Value: "identity"})
	if s := g.receipt(g.ask(plain)); s.Decision != receipt.Stored {
		t.Errorf("no coding: %+v", s)
	}
}

func TestObliviousFieldsThatCannotBeReadCostNoBatch(t *testing.T) {
	g := newGatewayRig(t, nil)
	bad := g.batchMessage(batchID(1), g.segment(1))
	bad.Header[2].Value = "!"
	for n, m := range []*bhttp.Request{bad, g.batchMessage(batchID(3), g.segment(2))} {
		if s := g.receipt(g.ask(m)); s.Decision != receipt.Stored || s.Batch != batchID(uint32(n+1)) {
			t.Errorf("%+v", s)
		}
	}
}

func TestObliviousPolicy(t *testing.T) {
	g := newGatewayRig(t, nil)
	m := g.ask(policyMessage)
	if _, err := policy.Signer(m.Content); err != nil || m.Status != 200 || bhttp.Get(m.Header, "etag") == "" {
		t.Fatalf("status %d, %v, %v", m.Status, m.Header, err)
	}
	again := *policyMessage
	again.Header = []bhttp.Field{{Name: "if-none-match", Value: bhttp.Get(m.Header, "etag")}}
	if m := g.ask(&again); m.Status != 304 || len(m.Content) != 0 {
		t.Errorf("status %d, %d bytes", m.Status, len(m.Content))
	}
}

// The gateway answers two requests, for itself, and sends nothing anywhere.
func TestGatewayIsNoProxy(t *testing.T) {
	var reached atomic.Bool
	victim := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer victim.Close()
	g := newGatewayRig(t, nil)
	host := strings.TrimPrefix(victim.URL, "http://")
	with := func(change func(*bhttp.Request)) *bhttp.Request { m := *policyMessage; change(&m); return &m }
	for name, c := range map[string]struct {
		m      *bhttp.Request
		status int
	}{
		"another host":         {with(func(m *bhttp.Request) { m.Scheme, m.Authority = "http", host }), 421},
		"no host":              {with(func(m *bhttp.Request) { m.Authority = "" }), 421},
		"an absolute path":     {with(func(m *bhttp.Request) { m.Path = victim.URL + "/v1/policy" }), 404},
		"a host in the header": {with(func(m *bhttp.Request) { m.Path, m.Header = "/", []bhttp.Field{{Name: "host", Value: host}} }), 404},
		"the feed":             {with(func(m *bhttp.Request) { m.Path = "/v1/feed?after=0" }), 404},
		"browser reports":      {with(func(m *bhttp.Request) { m.Method, m.Path = "POST", "/v1/reports" }), 404},
		"a gateway in it":      {with(func(m *bhttp.Request) { m.Method, m.Path = "POST", "/v1/oblivious" }), 404},
		"metrics":              {with(func(m *bhttp.Request) { m.Path = "/metrics" }), 404},
		"a query":              {with(func(m *bhttp.Request) { m.Path = "/v1/policy?x" }), 404},
		"dots":                 {with(func(m *bhttp.Request) { m.Path = "/v1/../v1/policy" }), 404},
		"connect":              {with(func(m *bhttp.Request) { m.Method, m.Path = "CONNECT", host }), 404},
		"another method":       {with(func(m *bhttp.Request) { m.Method = "DELETE" }), 405},
		"a batch by GET":       {with(func(m *bhttp.Request) { m.Path = "/v1/batches" }), 405},
		"a batch of no type":   {with(func(m *bhttp.Request) { m.Method, m.Path = "POST", "/v1/batches" }), 415},
		"an expectation":       {with(func(m *bhttp.Request) { m.Header = []bhttp.Field{{Name: "expect", Value: "100-continue"}} }), 417},
	} {
		if m := g.ask(c.m); m.Status != c.status {
			t.Errorf("%s: status %d, want %d", name, m.Status, c.status)
		}
	}
	if reached.Load() {
		t.Error("the gateway went somewhere")
	}
	if m := g.ask(with(func(m *bhttp.Request) { m.Authority = "127.0.0.1:8417" })); m.Status != 200 {
		t.Errorf("by the host of its URL: status %d", m.Status)
	}
}

// What can be said of a request that does not open is said without protection (RFC 9458,
// section 5.2).
func TestGatewayErrors(t *testing.T) {
	g := newGatewayRig(t, nil)
	good, _ := g.encapsulate(g.key, policyMessage)
	other, _ := g.encapsulate(must(ohttp.GenerateKey(ohttp.MLKEM768X25519()))(t), policyMessage)
	altered := bytes.Clone(good)
	altered[len(altered)-1] ^= 1
	for name, c := range map[string]struct {
		body   []byte
		status int
		says   string
	}{
		"nothing":     {nil, 400, "no encapsulated request"},
		"cut short":   {good[:100], 400, "no encapsulated request"},
		"altered":     {altered, 422, ohttp.ProblemKey},
		"another key": {other, 422, ohttp.ProblemKey},
		"too large":   {make([]byte, protocol.MaxObliviousRequest+1), 413, "too large"},
	} {
		// without a socket, on which an answer may come before all was sent
		a := serve(g.Handler(), g.outer(c.body, "", nil))
		if a.status != c.status || !strings.Contains(string(a.body), c.says) {
			t.Errorf("%s: %d, %q", name, a.status, a.body)
		}
		if problem := a.header.Get("Content-Type") == "application/problem+json"; problem != (c.status == 422) {
			t.Errorf("%s: type %q", name, a.header.Get("Content-Type"))
		}
	}
	req := g.outer(good, "", nil)
	req.Header.Set("Content-Type", "message/bhttp")
	if a := g.do(req); a.status != 415 {
		t.Errorf("another type: %d", a.status)
	}
	body, x, err := config(t, g.key).Encapsulate([]byte("no message"))
	if err != nil {
		t.Fatal(err)
	}
	if m := g.open(g.do(g.outer(body, "", nil)), x); m.Status != 400 {
		t.Errorf("what is no message: status %d", m.Status)
	}
}

func TestWithoutKeysThereIsNoGateway(t *testing.T) {
	r := newRig(t, nil)
	for _, method := range []string{"POST", "GET"} {
		path := map[string]string{"POST": "/v1/oblivious", "GET": "/v1/oblivious/keys"}[method]
		req := must(http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader("x")))(t)
		req.Header.Set("Content-Type", ohttp.MediaTypeRequest)
		if a := r.do(req); a.status != 404 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

// A relay that is known is believed; of nobody else's clients is anything known, not even that they
// are where their relay is.
func TestNetworkIsThatOfTheRelaysWord(t *testing.T) {
	g := newGatewayRig(t, nil)
	stranger := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))
	n := uint32(0)
	for name, c := range map[string]struct {
		network string
		change  func(*http.Request, []byte)
		asn     uint32
		country string
	}{
		"a known relay":         {"AS64599, FR", nil, 64599, "FR"},
		"one that knows little": {"AS0, ZZ", nil, 0, "ZZ"},
		"nobody's word":         {"AS64599, FR", func(r *http.Request, _ []byte) { r.Header.Del("Authorization") }, 0, "ZZ"},
		"a stranger's word": {"AS64599, FR", func(r *http.Request, b []byte) {
			r.Header.Set("Authorization", auth.SignRelay(stranger, "c1", "AS64599, FR", b, time.Now()))
		}, 0, "ZZ"},
		"a changed word": {"AS64599, FR", func(r *http.Request, _ []byte) { r.Header.Set(protocol.HeaderNetwork, "AS64599, SE") }, 0, "ZZ"},
		"an old word": {"AS64599, FR", func(r *http.Request, b []byte) {
			r.Header.Set("Authorization", auth.SignRelay(g.relay, "c1", "AS64599, FR", b, time.Now().Add(-time.Hour)))
		}, 0, "ZZ"},
		"said of another request": {"AS64599, FR", func(r *http.Request, _ []byte) {
			r.Header.Set("Authorization", auth.SignRelay(g.relay, "c1", "AS64599, FR", []byte("another"), time.Now()))
		}, 0, "ZZ"},
		"said to another collector": {"AS64599, FR", func(r *http.Request, b []byte) {
			r.Header.Set("Authorization", auth.SignRelay(g.relay, "c2", "AS64599, FR", b, time.Now()))
		}, 0, "ZZ"},
		"an address": {"203.0.113.7", nil, 0, "ZZ"},
		"a forwarded one": {"AS64599, FR", func(r *http.Request, _ []byte) {
			r.Header.Set("X-Forwarded-For", "203.0.113.7")
			r.Header.Set("Forwarded", "for=203.0.113.7")
		}, 64599, "FR"},
	} {
		n++
		body, x := g.encapsulate(g.key, g.batchMessage(batchID(n), g.segment(n)))
		req := g.outer(body, c.network, g.relay)
		if c.change != nil {
			c.change(req, body)
		}
		if s := g.receipt(g.open(g.do(req), x)); s.Decision != receipt.Stored {
			t.Fatalf("%s: %+v", name, s)
		}
		all := g.stored()
		if e := all[len(all)-1]; e.ASN != c.asn || e.Country != c.country {
			t.Errorf("%s: AS%d, %s", name, e.ASN, e.Country)
		}
	}
}

func TestGatewayKeysChangeWithoutRestart(t *testing.T) {
	g := newGatewayRig(t, nil)
	keys := func() answer {
		a := g.do(must(http.NewRequestWithContext(t.Context(), "GET", g.url+"/v1/oblivious/keys", nil))(t))
		if a.status != 200 || a.header.Get("Content-Type") != ohttp.MediaTypeKeys || !strings.HasPrefix(a.header.Get("Cache-Control"), "public, max-age=") {
			t.Fatalf("%d, %v", a.status, a.header)
		}
		if err := auth.VerifyGatewayKeys(a.header.Get(protocol.HeaderGatewayKeys), "c1", a.body, time.Now(), g.receipts); err != nil {
			t.Error(err)
		}
		return a
	}
	if !bytes.Equal(keys().body, g.key.AppendConfig(nil)) {
		t.Error("other keys are offered")
	}
	before, x := g.encapsulate(g.key, policyMessage)
	late, _ := g.encapsulate(g.key, policyMessage)
	next := must(ohttp.GenerateKey(ohttp.MLKEM768X25519()))(t)
	for next.Bytes()[0] == g.key.Bytes()[0] {
		next = must(ohttp.GenerateKey(ohttp.MLKEM768X25519()))(t)
	}
	s := g.settings()
	g.in(&s)
	s.ObliviousKeys = []*ohttp.PrivateKey{next, g.key}
	if err := g.Reload(s); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(keys().body, next.AppendConfig(nil)) {
		t.Error("the next key is not the one that is offered")
	}
	if m := g.open(g.do(g.outer(before, "", nil)), x); m.Status != 200 {
		t.Errorf("by the key before: %d", m.Status)
	}
	body, x := g.encapsulate(next, policyMessage)
	if m := g.open(g.do(g.outer(body, "", nil)), x); m.Status != 200 {
		t.Errorf("by the next key: %d", m.Status)
	}
	s.ObliviousKeys = s.ObliviousKeys[:1]
	if err := g.Reload(s); err != nil {
		t.Fatal(err)
	}
	if a := g.do(g.outer(late, "", nil)); a.status != 422 || !strings.Contains(string(a.body), ohttp.ProblemKey) {
		t.Errorf("by a key that is gone: %d, %q", a.status, a.body)
	}
	s.ObliviousKeys = []*ohttp.PrivateKey{next, next}
	if err := g.Reload(s); err == nil {
		t.Error("two keys of one identifier are taken")
	}
	s.RelayKeys = []ed25519.PublicKey{{1}}
	if err := g.Reload(s); err == nil {
		t.Error("a bad relay key is taken")
	}
}

// A captured request that comes again, at once, often, in many connections, is answered once. When
// the gateway has forgotten it, as after a restart, the batch's id still keeps it from being
// stored twice.
func TestReplaysChangeNothing(t *testing.T) {
	g := newGatewayRig(t, nil)
	body, x := g.encapsulate(g.key, g.batchMessage(batchID(1), g.segment(1)))
	answers := make(chan answer, 16)
	var wg sync.WaitGroup
	for range cap(answers) {
		wg.Go(func() {
			resp, err := http.DefaultClient.Do(g.outer(body, "AS64501, DE", g.relay))
			if err != nil {
				return
			}
			defer resp.Body.Close()
			b, _ := io.ReadAll(resp.Body)
			answers <- answer{resp.StatusCode, resp.Header, b}
		})
	}
	wg.Wait()
	close(answers)
	once := 0
	for a := range answers {
		switch a.status {
		case 200:
			once++
			if s := g.receipt(g.open(a, x)); s.Decision != receipt.Stored {
				t.Errorf("%+v", s)
			}
		case 409:
		default:
			t.Errorf("status %d, %q", a.status, a.body)
		}
	}
	if once != 1 || len(g.stored()) != 1 || g.metric("oblivious_requests_total", "replay") != float64(cap(answers)-1) {
		t.Errorf("answered %d times, stored %d, %v replays", once, len(g.stored()), g.metric("oblivious_requests_total", "replay"))
	}
	restarted := must(collector.New(collector.Options{ID: "c1", Inbox: g.inbox, Settings: func() (s collector.Settings) { s = g.settings(); g.in(&s); return s }()}))(t)
	run(t, restarted)
	req := httptest.NewRequest("POST", "/v1/oblivious", bytes.NewReader(body))
	req.Header.Set("Content-Type", ohttp.MediaTypeRequest)
	if s := g.receipt(g.open(serve(restarted.Handler(), req), x)); s.Decision != receipt.Stored || s.Reason != receipt.ReasonDuplicate {
		t.Errorf("after a restart: %+v", s)
	}
	if len(g.stored()) != 1 {
		t.Errorf("%d stored", len(g.stored()))
	}
}

// A known relay's requests come from one address and have no limit for it; those of others do.
func TestLimitsOfRelays(t *testing.T) {
	g := newGatewayRig(t, func(o *collector.Options, _ *sqliteinbox.Options) {
		o.Limits.Requests = 1 // ten at once
		trustLoopback(o)
	})
	status := func(key ed25519.PrivateKey) map[int]int {
		counts := map[int]int{}
		for range 15 {
			body, _ := g.encapsulate(g.key, policyMessage)
			req := g.outer(body, "AS64501, DE", key)
			// the relay, as the collector's own proxy sees it
			req.Header.Set("X-Forwarded-For", "203.0.113.9")
			a := g.do(req)
			counts[a.status]++
			if a.status == 503 && a.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		}
		return counts
	}
	if got := status(g.relay); got[200] != 15 {
		t.Errorf("a known relay: %v", got)
	}
	if got := status(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))); got[200] != 10 || got[503] != 5 {
		t.Errorf("an unknown relay: %v", got)
	}
}

// A relay's word lifts the limits of its network for the one request that it was said of: whoever
// shows it again, with the same body or another, is as any client.
func TestARelaysWordIsGoodOnce(t *testing.T) {
	g := newGatewayRig(t, func(o *collector.Options, _ *sqliteinbox.Options) {
		o.Limits.Requests = 1 // ten at once
		trustLoopback(o)
	})
	first, _ := g.encapsulate(g.key, policyMessage)
	said := g.outer(first, "AS64501, DE", g.relay).Header
	counts := map[int]int{}
	for range 40 {
		body, _ := g.encapsulate(g.key, policyMessage)
		req := g.outer(body, "", nil)
		req.Header = said.Clone()
		req.Header.Set("X-Forwarded-For", "203.0.113.9")
		counts[g.do(req).status]++
	}
	if counts[503] < 25 {
		t.Errorf("%v: want most of them to be shed", counts)
	}
}

// Shown elsewhere, a relay's word is nothing: not on another path, nor to another collector.
func TestARelaysWordIsForItsRequest(t *testing.T) {
	change := func(o *collector.Options, _ *sqliteinbox.Options) {
		o.Limits.Requests = 1 // ten at once
		trustLoopback(o)
	}
	g := newGatewayRig(t, change)
	other := newGatewayRig(t, func(o *collector.Options, io *sqliteinbox.Options) { change(o, io); o.ID = "c2" })
	for name, path := range map[string]string{"batches": "/v1/batches", "another collector": "/v1/oblivious"} {
		served := 0
		for n := range uint32(30) {
			body, _ := g.encapsulate(g.key, policyMessage)
			said := g.outer(body, "AS64599, FR, 1234", g.relay)
			to, req := g.rig, g.upload(batchID(n+1), bytes.NewReader(g.segment(n+1)))
			if path == "/v1/oblivious" { // with the right keys, so that its word alone is wrong
				to = other.rig
				body, _ = other.encapsulate(other.key, other.batchMessage(batchID(n+1), other.segment(n+1)))
				req = other.outer(body, "", nil)
			}
			for _, field := range []string{protocol.HeaderNetwork, "Authorization"} {
				req.Header.Set(field, said.Header.Get(field))
			}
			if a := to.do(behindProxy(req, "203.0.113.9")); a.status < 300 {
				served++
			}
		}
		stored := append(g.stored(), other.stored()...)
		for i := range stored {
			if stored[i].ASN == 64599 || stored[i].Bucket == 1234 {
				t.Errorf("%s: stored as of AS%d, bucket %d", name, stored[i].ASN, stored[i].Bucket)
			}
		}
		if served == 0 || served > 15 {
			t.Errorf("%s: %d of 30 are served, want the limit of one network", name, served)
		}
	}
}
