package relay_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/internal/syncbuffer"
	"github.com/heliograph-net/heliograph/privacy/auth"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
	"github.com/heliograph-net/heliograph/relay"
)

// rig is a relay on a real socket in front of a gateway that the test controls.
type rig struct {
	t        testing.TB
	relay    *relay.Relay
	stop     func() error // ends Run
	url      string
	key      ed25519.PrivateKey
	log      *syncbuffer.Buffer
	registry *prometheus.Registry
	gateway  *httptest.Server

	mu   sync.Mutex
	seen []seen
}

// seen is a request as the gateway got it.
type seen struct {
	method, path, host string
	header             http.Header
	body               []byte
}

type table struct{}

func (table) Lookup(addr netip.Addr) (uint32, string) {
	switch addr.String() {
	case "127.7.7.7":
		return 64507, "SE"
	case "127.8.8.8":
		return 64508, "bad"
	default:
		return 64501, "DE"
	}
}

func newRig(t testing.TB, answer http.HandlerFunc, change func(*relay.Options)) *rig {
	t.Helper()
	r := &rig{t: t, key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)), log: new(syncbuffer.Buffer), registry: prometheus.NewRegistry()}
	r.gateway = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.seen = append(r.seen, seen{req.Method, req.URL.RequestURI(), req.Host, req.Header.Clone(), body})
		r.mu.Unlock()
		answer(w, req)
	}))
	o := relay.Options{Settings: relay.Settings{Gateway: r.gateway.URL, Collector: "c1", Key: r.key, Networks: table{}},
		Metrics: r.registry, Logger: slog.New(slog.NewJSONHandler(r.log, nil))}
	if change != nil {
		change(&o)
	}
	var err error
	if r.relay, err = relay.New(o); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(r.relay.Handler())
	server.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(r.log, nil), slog.LevelError)
	server.Start()
	r.url = server.URL
	r.stop = lifecycle.Background(r.relay.Run)
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		server.Close()
		r.gateway.Close()
	})
	return r
}

func encapsulated(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", ohttp.MediaTypeResponse)
	w.Header().Set("Set-Cookie", "marked=1")
	w.Header().Set("Server", "marked")
	_, _ = w.Write([]byte("sealed answer"))
}

// all returns what the gateway has seen.
func (r *rig) all() []seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]seen(nil), r.seen...)
}

type answer struct {
	status int
	header http.Header
	body   string
}

// from sends a request from an address of this host.
func (r *rig) from(address string, req *http.Request) answer {
	r.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).DialContext}}
	resp, err := client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

func (r *rig) request(method, path, body string) *http.Request {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", ohttp.MediaTypeRequest)
	return req
}

func (r *rig) post(body string) answer {
	r.t.Helper()
	return r.from("127.0.0.1", r.request("POST", protocol.PathOblivious, body))
}

// A coded request is not forwarded: the collector gets only the body, and could not open it.
func TestCodedRequestsAreNotForwarded(t *testing.T) {
	r := newRig(t, encapsulated, nil)
	for _, coding := range []string{"gzip", "br", "identity, gzip"} {
		req := r.request("POST", protocol.PathOblivious, "coded")
		req.Header.Set("Content-Encoding", coding)
		if a := r.from("127.0.0.1", req); a.status != http.StatusUnsupportedMediaType {
			t.Errorf("%s: status %d", coding, a.status)
		}
	}
	if n := len(r.all()); n != 0 {
		t.Errorf("%d requests reached the collector", n)
	}
}

// If a client discloses everything about itself, the collector still gets only the body, the
// network and the country, and the relay logs nothing about the client.
func TestNothingOfTheClientIsPassedOn(t *testing.T) {
	r := newRig(t, encapsulated, nil)
	req := r.request("POST", protocol.PathOblivious+"?marked=query", "sealed request")
	for _, name := range []string{"User-Agent", "Referer", "Cookie", "Origin", "X-Forwarded-For", "Forwarded", "Via", "X-Real-IP", "Authorization",
		protocol.HeaderNetwork, "Accept-Language", "Traceparent", "X-Unknown", "Early-Data", "Accept"} {
		req.Header.Set(name, "marked")
	}
	a := r.from("127.7.7.7", req)
	if a.status != 200 || a.body != "sealed answer" || a.header.Get("Content-Type") != ohttp.MediaTypeResponse {
		t.Fatalf("%d, %q, %v", a.status, a.body, a.header)
	}
	if a.header.Get("Set-Cookie") != "" || a.header.Get("Server") != "" || a.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("the answer has %v", a.header)
	}
	all := r.all()
	if len(all) != 1 || all[0].method != "POST" || all[0].path != protocol.PathOblivious || string(all[0].body) != "sealed request" {
		t.Fatalf("the gateway saw %+v", all)
	}
	h := all[0].header
	for name := range h {
		switch name {
		case "Content-Type", "Content-Length", "Authorization", protocol.HeaderNetwork:
		default:
			t.Errorf("the gateway got %s: %q", name, h[name])
		}
	}
	if got := h.Get(protocol.HeaderNetwork); got != "AS64507, SE" {
		t.Errorf("network %q", got)
	}
	sum, err := auth.VerifyRelay(h.Get("Authorization"), "c1", h.Get(protocol.HeaderNetwork), time.Now(), time.Minute, r.key.Public().(ed25519.PublicKey))
	if err != nil || sum != sha256.Sum256([]byte("sealed request")) {
		t.Errorf("signature: %v", err)
	}
	r.gateway.Close()
	r.from("127.7.7.7", r.request("POST", protocol.PathOblivious, "x")) // failures are logged
	metrics := httptest.NewRecorder()
	promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{}).ServeHTTP(metrics, httptest.NewRequest("GET", "/", nil))
	for where, text := range map[string]string{"log": r.log.String(), "metrics": metrics.Body.String(), "network": strings.Join(h.Values(protocol.HeaderNetwork), "")} {
		if text == "" {
			t.Errorf("%s is empty", where)
		}
		if strings.Contains(text, "127.7.7.7") || strings.Contains(text, "marked") || strings.Contains(text, "7f070707") {
			t.Errorf("the client is in the %s: %s", where, text)
		}
	}
}

func TestWhatIsSaidOfClients(t *testing.T) {
	for name, c := range map[string]struct {
		from, want string
		change     func(*relay.Options)
	}{
		"a network":          {"127.0.0.1", "AS64501, DE", nil},
		"a bad table":        {"127.8.8.8", "AS0, ZZ", nil},
		"no table":           {"127.0.0.1", "AS0, ZZ", func(o *relay.Options) { o.Settings.Networks = nil }},
		"no key, so nothing": {"127.0.0.1", "", func(o *relay.Options) { o.Settings.Key = nil }},
	} {
		r := newRig(t, encapsulated, c.change)
		r.from(c.from, r.request("POST", protocol.PathOblivious, "x"))
		h := r.all()[0].header
		if h.Get(protocol.HeaderNetwork) != c.want || (h.Get("Authorization") == "") != (c.want == "") {
			t.Errorf("%s: %v", name, h)
		}
	}
}

func TestRefusals(t *testing.T) {
	r := newRig(t, encapsulated, nil)
	withType := r.request("POST", protocol.PathOblivious, "x")
	withType.Header.Set("Content-Type", "text/plain")
	for name, c := range map[string]struct {
		req    *http.Request
		status int
	}{
		"another type":        {withType, 415},
		"no body":             {r.request("POST", protocol.PathOblivious, ""), 400},
		"another method":      {r.request("PUT", protocol.PathOblivious, "x"), 405},
		"the collector's own": {r.request("POST", "/v1/batches", "x"), 404},
		"another host":        {r.request("GET", "/http://192.0.2.1/", ""), 404},
		"the feed":            {r.request("GET", "/v1/feed?after=0", ""), 404},
	} {
		if a := r.from("127.0.0.1", c.req); a.status != c.status || a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d, want %d; %v", name, a.status, c.status, a.header)
		}
	}
	// without a socket, because there the answer may come before everything was sent
	for _, announced := range []int64{protocol.MaxObliviousRequest + 1, -1} {
		req := httptest.NewRequest("POST", protocol.PathOblivious, bytes.NewReader(make([]byte, protocol.MaxObliviousRequest+1)))
		req.Header.Set("Content-Type", ohttp.MediaTypeRequest)
		req.ContentLength = announced
		w := httptest.NewRecorder()
		r.relay.Handler().ServeHTTP(w, req)
		if w.Code != 413 {
			t.Errorf("a large body, announced as %d: %d", announced, w.Code)
		}
	}
	if all := r.all(); len(all) != 0 {
		t.Errorf("the gateway saw %+v", all)
	}
	a := r.from("127.0.0.1", r.request("OPTIONS", protocol.PathOblivious, ""))
	if a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Access-Control-Allow-Methods") != "POST" ||
		a.header.Get("Access-Control-Allow-Headers") != "content-type" {
		t.Errorf("preflight: %d, %v", a.status, a.header)
	}
}

func TestAnswersOfTheGateway(t *testing.T) {
	var now atomic.Pointer[http.HandlerFunc]
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) { (*now.Load())(w, req) }, nil)
	with := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Retry-After", "7")
			w.Header().Set("Location", "http://192.0.2.1/")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, c := range map[string]struct {
		gateway http.HandlerFunc
		status  int
		kind    string
		body    string
	}{
		"sealed":         {with(200, ohttp.MediaTypeResponse, "b"), 200, ohttp.MediaTypeResponse, "b"},
		"key problem":    {with(422, "application/problem+json", "{}"), 422, "application/problem+json", "{}"},
		"overload":       {with(503, "text/plain; charset=utf-8", "come later"), 503, "text/plain", "come later"},
		"a page":         {with(502, "text/html", "<script>"), 502, "text/plain", ""},
		"not sealed":     {with(200, "text/html", "<html>"), 502, "text/plain; charset=utf-8", "the collector gave no answer of a gateway\n"},
		"a redirect":     {with(307, "text/plain", ""), 502, "text/plain; charset=utf-8", "the collector gave no answer of a gateway\n"},
		"an endless one": {with(200, ohttp.MediaTypeResponse, strings.Repeat("x", protocol.MaxObliviousResponse+1)), 502, "text/plain; charset=utf-8", "the collector cannot be reached\n"},
	} {
		now.Store(&c.gateway)
		before := len(r.all())
		a := r.post("x")
		if a.status != c.status || a.header.Get("Content-Type") != c.kind || a.body != c.body || a.header.Get("Location") != "" {
			t.Errorf("%s: %d, %v, %q", name, a.status, a.header, a.body)
		}
		if got := a.header.Get("Retry-After"); a.status == c.status && a.status != 502 && got != "7" {
			t.Errorf("%s: Retry-After %q", name, got)
		}
		if n := len(r.all()) - before; n != 1 {
			t.Errorf("%s: sent %d times", name, n)
		}
	}
	if n := strings.Count(r.log.String(), "level"); n > 8 {
		t.Errorf("%d lines of log", n)
	}
}

func TestSilentAndBrokenGateways(t *testing.T) {
	silent := make(chan struct{})
	defer close(silent)
	r := newRig(t, func(_ http.ResponseWriter, req *http.Request) {
		select {
		case <-silent:
		case <-req.Context().Done():
		}
	}, func(o *relay.Options) { o.GatewayTimeout = 50 * time.Millisecond })
	if a := r.post("x"); a.status != 504 && a.status != 502 {
		t.Errorf("silent: %d", a.status)
	}
	cut := newRig(t, func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, nil)
	if a := cut.post("x"); a.status != 502 || len(cut.all()) != 1 {
		t.Errorf("cut off: %d, %d requests", a.status, len(cut.all()))
	}
	if n := strings.Count(cut.log.String(), "cannot be reached"); n != 1 {
		t.Errorf("logged %d times: %s", n, cut.log)
	}
	cut.post("x")
	if n := strings.Count(cut.log.String(), "cannot be reached"); n != 1 {
		t.Errorf("every failure is logged: %s", cut.log)
	}
}

func TestPlacesAreBounded(t *testing.T) {
	release := make(chan struct{})
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) { <-release; encapsulated(w, req) }, func(o *relay.Options) { o.Settings.MaxRequests = 2 })
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			resp, err := http.DefaultClient.Do(r.request("POST", protocol.PathOblivious, "x"))
			if err == nil {
				resp.Body.Close()
			}
		})
	}
	for len(r.all()) < 2 {
		time.Sleep(time.Millisecond)
	}
	if a := r.post("x"); a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("a third: %d, %v", a.status, a.header)
	}
	close(release)
	wg.Wait()
	if a := r.post("x"); a.status != 200 {
		t.Errorf("afterwards: %d", a.status)
	}
}

func TestSlowBodiesAreCutOff(t *testing.T) {
	r := newRig(t, encapsulated, func(o *relay.Options) { o.BodyTimeout = 50 * time.Millisecond })
	c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = c.Write([]byte("POST /v1/oblivious HTTP/1.1\r\nHost: r\r\nContent-Type: message/ohttp-req\r\nContent-Length: 10\r\n\r\nx"))
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	b, err := io.ReadAll(c)
	if err != nil || !bytes.HasPrefix(b, []byte("HTTP/1.1 408 ")) || len(r.all()) != 0 {
		t.Errorf("%q, %v", b, err)
	}
}

func TestKeysAreOneAnswerForAll(t *testing.T) {
	var asked atomic.Int32
	answer := func(w http.ResponseWriter, req *http.Request) {
		if req.Method == "POST" {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(422)
			return
		}
		asked.Add(1)
		w.Header().Set("Content-Type", ohttp.MediaTypeKeys)
		w.Header().Set(protocol.HeaderGatewayKeys, "signed")
		_, _ = w.Write([]byte("list"))
	}
	r := newRig(t, answer, nil)
	get := func() keysAnswer {
		req := r.request("GET", protocol.PathObliviousKeys, "")
		req.Header.Set("User-Agent", "marked")
		a := r.from("127.0.0.1", req)
		return keysAnswer{a.status, a.body, a.header.Get("Content-Type"), a.header.Get(protocol.HeaderGatewayKeys)}
	}
	want := keysAnswer{200, "list", ohttp.MediaTypeKeys, "signed"}
	for range 3 {
		if got := get(); got != want {
			t.Errorf("%+v", got)
		}
	}
	if asked.Load() != 1 || r.all()[0].header.Get("User-Agent") != "" {
		t.Errorf("asked %d times, %v", asked.Load(), r.all()[0].header)
	}
	if err := r.relay.Ready(t.Context()); err != nil || asked.Load() != 1 {
		t.Errorf("ready: %v, asked %d times", err, asked.Load())
	}
	// its key is old; the next request goes to the gateway, but at most one in five seconds
	r.post("x")
	if got := get(); got != want || asked.Load() > 2 {
		t.Errorf("%+v, asked %d times", got, asked.Load())
	}
}

type keysAnswer struct {
	status           int
	body, kind, sign string
}

func TestReadyAsksTheGateway(t *testing.T) {
	r := newRig(t, encapsulated, nil) // not a list of keys
	if err := r.relay.Ready(t.Context()); err == nil {
		t.Error("ready without keys")
	}
	if a := r.from("127.0.0.1", r.request("GET", protocol.PathObliviousKeys, "")); a.status != 502 {
		t.Errorf("keys: %d", a.status)
	}
	if n := len(r.all()); n != 1 {
		t.Errorf("asked %d times within five seconds", n)
	}
	gone := newRig(t, encapsulated, nil)
	gone.gateway.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := gone.relay.Ready(ctx); err == nil {
		t.Error("ready without a gateway")
	}
}

func TestOptions(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	for name, s := range map[string]relay.Settings{
		"no gateway":        {},
		"a path":            {Gateway: "https://collector.example/v1"},
		"no scheme":         {Gateway: "collector.example"},
		"plain":             {Gateway: "http://collector.example"},
		"a default port":    {Gateway: "https://collector.example:443"},
		"no id for its key": {Gateway: "https://collector.example", Key: key},
		"half a key":        {Gateway: "https://collector.example", Key: key[:32], Collector: "c1"},
		"negative":          {Gateway: "https://collector.example", MaxRequests: -1},
	} {
		if r, err := relay.New(relay.Options{Settings: s}); err == nil || r != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	o := relay.Options{Settings: relay.Settings{Gateway: "https://collector.example"}, Metrics: prometheus.NewRegistry()}
	r, err := relay.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := relay.New(o); err == nil {
		t.Error("metrics are registered twice")
	}
	if err := lifecycle.Background(r.Run)(); err != nil {
		t.Error(err)
	}
	if err := r.Run(t.Context()); err == nil {
		t.Error("it runs twice")
	}
	if _, err := relay.New(o); err != nil {
		t.Error(err)
	}
	o.BodyTimeout = -1
	if _, err := relay.New(o); err == nil {
		t.Error("a negative timeout is taken")
	}
}
