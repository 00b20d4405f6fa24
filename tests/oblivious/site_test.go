// Package oblivious tests delivery through Oblivious HTTP end to end: agents, relays and collectors
// with their real listeners, files and stores, on addresses of loopback that differ.
package oblivious

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/agenttest"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/internal/syncbuffer"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// The client's address, by which it must not be known to the collector, and its network, by
// which it must.
const (
	marked   = "127.77.66.55"
	networks = "127.0.0.0\t127.0.0.255\t64501\tDE\tExample One\n127.77.66.0\t127.77.66.255\t64502\tSE\tExample Two\n"
)

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// world is an operator's certificate authority.
type world struct {
	t   *testing.T
	ca  *devca.CA
	dir string // of certificates
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, ca: must(devca.New("Test"))(t), dir: t.TempDir()}
	cert, key, err := devca.EncodePEM(w.issue())
	if err != nil {
		t.Fatal(err)
	}
	w.write("cert.pem", cert)
	w.write("key.pem", key)
	w.write("ca.pem", w.ca.PEM())
	w.write("networks.tsv", []byte(networks))
	return w
}

func (w *world) issue() tls.Certificate {
	return must(w.ca.Issue(time.Now().Add(time.Hour), "127.0.0.1", "127.0.0.2", "127.0.0.3"))(w.t)
}

func (w *world) write(name string, b []byte) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), b, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func freePort(t *testing.T, host string) string {
	t.Helper()
	ln := must(net.Listen("tcp", host+":0"))(t)
	defer ln.Close()
	return ln.Addr().String()
}

// site is a collector with its detector, and a relay before it.
type site struct {
	*world
	id             string
	data, relayDir string
	collector      string // host:port
	relayAddr      string // host:port
	node           *roles.Process
	stop           func() error // the node
	hangup         chan os.Signal
	relay          *roles.Relay
	stopRelay      func() error
	front          *front
	log, relayLog  *syncbuffer.Buffer
}

// newSite starts both. policy is what policy.yaml says before its list of collectors, extra
// more of these.
func (w *world) newSite(id, policy, extra string) *site {
	t := w.t
	t.Helper()
	s := &site{world: w, id: id, data: filepath.Join(t.TempDir(), "data"), relayDir: filepath.Join(t.TempDir(), "relay"),
		hangup: make(chan os.Signal), collector: freePort(t, "127.0.0.2"), relayAddr: freePort(t, "127.0.0.3"), log: new(syncbuffer.Buffer), relayLog: new(syncbuffer.Buffer)}
	if err := roles.InitRelay(s.relayDir); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`networks: %[1]s/networks.tsv
collector: {id: %[2]s, listen: %[3]q, tls_cert: %[1]s/cert.pem, tls_key: %[1]s/key.pem, oblivious_keys: [keys/oblivious.pem], relay_keys: [%[4]s/keys/relay.pub.pem]}
detector: {bin: 1s, grace: 10ms}
dashboard: {listen: "127.0.0.1:0"}
operations: {listen: "127.0.0.1:0"}
`, w.dir, id, s.collector, s.relayDir)
	yaml := fmt.Sprintf("%sseal_key: keys/seal.pem\nsigners: [keys/policy.pub.pem]\ncollectors:\n%s%s", policy, s.entry(1), extra)
	if err := roles.Init(s.data, roles.InitOptions{Config: []byte(config), Policy: []byte(yaml)}); err != nil {
		t.Fatal(err)
	}
	s.start()
	t.Cleanup(func() { _ = s.stop() })
	s.front = newFront(w, s.collector)
	w.write(id+"-relay.yaml", fmt.Appendf(nil, `networks: %[1]s/networks.tsv
listen: %[2]q
tls_cert: cert.pem
tls_key: key.pem
gateway: %[3]s
gateway_ca: ca.pem
collector: %[4]s
key: %[5]s/keys/relay.pem
operations: {listen: "127.0.0.1:0"}
`, w.dir, s.relayAddr, s.front.server.URL, id, s.relayDir))
	rc := must(roles.LoadRelay(filepath.Join(w.dir, id+"-relay.yaml")))(t)
	s.relay = must(roles.NewRelay(roles.RelayOptions{Config: rc, Logger: slog.New(slog.NewJSONHandler(s.relayLog, nil))}))(t)
	s.stopRelay = lifecycle.Background(s.relay.Run)
	t.Cleanup(func() { _ = s.stopRelay() })
	return s
}

// start starts the collector and its detector.
func (s *site) start() {
	s.t.Helper()
	c := must(roles.Load(filepath.Join(s.data, roles.ConfigName)))(s.t)
	s.node = must(roles.New(s.t.Context(), roles.Options{Config: c, Roles: roles.Roles{Collector: true, Detector: true}, Logger: slog.New(slog.NewJSONHandler(s.log, nil)), Hangup: s.hangup}))(s.t)
	s.stop = lifecycle.Background(s.node.Run)
}

// entry is the site's own in the list of collectors of a policy.yaml; of its own directory, or
// of another's.
func (s *site) entry(priority int) string {
	keys := "keys"
	if priority > 1 {
		keys = filepath.Join(s.data, "keys")
	}
	return fmt.Sprintf("  - {id: %s, url: \"https://%s\", priority: %d, weight: 1, receipt_key: %[4]s/receipt.pub.pem, relay: \"https://%[5]s/v1/oblivious\", oblivious_keys: [%[4]s/oblivious.pub.pem]}\n",
		s.id, s.collector, priority, keys, s.relayAddr)
}

// policy signs the site's policy.yaml anew, after a change, and has the collector serve it.
func (s *site) policy(change func(string) string) {
	s.t.Helper()
	path := filepath.Join(s.data, "policy.yaml")
	text := change(string(must(os.ReadFile(path))(s.t)))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	signed := must(roles.SignPolicyFile(path, filepath.Join(s.data, "keys/policy.pem"), time.Now()))(s.t)
	if err := os.WriteFile(filepath.Join(s.data, "policy"), signed, 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.reload()
}

// reload is what an operator does after changing a file.
func (s *site) reload() {
	s.t.Helper()
	const done = `"reloaded","what":"collector"`
	before := strings.Count(s.log.String(), done)
	s.hangup <- syscall.SIGHUP
	s.await("the reload", func() bool { return strings.Count(s.log.String(), done) > before })
}

func (w *world) await(what string, done func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited 20 s for %s", what)
		}
	}
}

// client is an application with an agent inside, at the marked address.
type client struct {
	*agent.Agent
	t      *testing.T
	mu     sync.Mutex
	events []agent.Event
}

func (s *site) newClient() *client {
	t := s.t
	t.Helper()
	c := &client{t: t}
	transport := httpagent.NewTransport(httpagent.TransportOptions{RootCAs: s.ca.Pool(), LocalAddr: netip.MustParseAddr(marked)})
	var err error
	c.Agent, err = agent.New(agent.Options{App: "shop", Policy: must(os.ReadFile(filepath.Join(s.data, "policy")))(t), Consent: report.Diagnostics,
		Spool: agenttest.NewSpool(), Transport: transport, OnEvent: func(e agent.Event) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.events = append(c.events, e)
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		_ = c.Shutdown(ended)
	})
	return c
}

// fail observes n failed requests and delivers them.
func (c *client) fail(n int) error {
	for range n {
		c.Observe(agent.Observation{Scheme: "https", Host: "shop.example", Outcome: report.TCPReset})
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	return c.Flush(ctx)
}

func (c *client) mustFail(n int) {
	c.t.Helper()
	if err := c.fail(n); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.t.Fatalf("%v; %+v", err, c.events)
	}
}

// totals waits until a detector has stored some failures and returns them by network.
func (s *site) totals(want float64) map[string]float64 {
	s.t.Helper()
	got := map[string]float64{}
	s.await(fmt.Sprint(want, " failures in the store"), func() bool {
		clear(got)
		sum := 0.0
		for _, row := range must(s.node.Store.Totals(s.t.Context(), model.TotalsQuery{By: model.DimensionsOf(model.ByASN, model.ByCountry)}))(s.t) {
			got["AS"+row.Key.Value(model.ByASN)+" "+row.Key.Country] += row.Failed
			sum += row.Failed
		}
		return sum >= want
	})
	return got
}

func (s *site) metrics(address string) string {
	s.t.Helper()
	resp := must(http.Get("http://" + address + "/metrics"))(s.t)
	defer resp.Body.Close()
	return string(must(io.ReadAll(resp.Body))(s.t))
}

// files are those of a directory, by name.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	must(0, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			all[d.Name()], err = os.ReadFile(path)
		}
		return err
	}))(t)
	return all
}

// front stands before a collector and sees, behind TLS, what the relay sends to it and what
// it answers.
type front struct {
	server *httptest.Server
	client *http.Client
	target string
	lose   atomic.Bool // answers of the collector are lost

	mu   sync.Mutex
	seen []crossing
}

// crossing is one request of the relay.
type crossing struct {
	from   string // address
	method string
	path   string
	header http.Header
	body   []byte
	answer []byte
	status int
}

func newFront(w *world, target string) *front {
	f := &front{target: "https://" + target, client: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.ca.Pool()}}}}
	f.server = httptest.NewUnstartedServer(f)
	f.server.TLS = &tls.Config{Certificates: []tls.Certificate{w.issue()}}
	f.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	f.server.StartTLS()
	w.t.Cleanup(f.server.Close)
	return f
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	answer, status, header, err := f.pass(r.Method, r.URL.RequestURI(), r.Header, body)
	from, _, _ := net.SplitHostPort(r.RemoteAddr)
	f.mu.Lock()
	f.seen = append(f.seen, crossing{from, r.Method, r.URL.RequestURI(), r.Header.Clone(), body, answer, status})
	f.mu.Unlock()
	if err != nil || f.lose.Load() {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), header)
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

// pass sends a request on to the collector as it is.
func (f *front) pass(method, uri string, header http.Header, body []byte) (answer []byte, status int, answered http.Header, err error) {
	req, err := http.NewRequest(method, f.target+uri, bytes.NewReader(body))
	if err != nil {
		return nil, 0, nil, err
	}
	req.Header = header.Clone()
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return answer, resp.StatusCode, resp.Header, err
}

func (f *front) all() []crossing {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]crossing(nil), f.seen...)
}
