package httpagent_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// operator holds the keys that an agent's policy needs.
type operator struct {
	open    *seal.OpenKey
	signer  ed25519.PrivateKey
	receipt ed25519.PrivateKey
}

func newOperator(t testing.TB) *operator {
	t.Helper()
	open, err := seal.GenerateOpenKey()
	must(t, err)
	_, signer, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	_, receipt, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	return &operator{open, signer, receipt}
}

// policy is signed and names one collector.
func (op *operator) policy(t testing.TB, url string) []byte {
	t.Helper()
	b, err := policy.Sign(&policy.Policy{
		Version: 1, Issued: time.Now().Unix(), Expires: time.Now().Add(time.Hour).Unix(),
		MaxConsent: report.Diagnostics, WindowMS: 3_600_000, SealKey: op.open.SealKey().Bytes(),
		Collectors: []policy.Collector{{ID: "c1", URL: url, ReceiptKey: op.receipt.Public().(ed25519.PublicKey)}},
		Signers:    [][]byte{op.signer.Public().(ed25519.PublicKey)},
	}, op.signer)
	must(t, err)
	return b
}

// records opens a segment.
func (op *operator) records(t testing.TB, segment []byte) (windows []*report.Window, samples []*report.Sample) {
	t.Helper()
	_, plain, err := seal.NewKeyring(op.open).Open(segment)
	must(t, err)
	for _, raw := range plain {
		r, err := report.DecodeRecord(raw)
		must(t, err)
		switch r := r.(type) {
		case *report.Window:
			windows = append(windows, r)
		case *report.Sample:
			samples = append(samples, r)
		}
	}
	return windows, samples
}

// sink is an agent.Transport that takes everything and keeps it.
type sink struct {
	op       *operator
	mu       sync.Mutex
	segments [][]byte
}

func (s *sink) Deliver(_ context.Context, _ policy.Collector, id report.BatchID, _, segment []byte) agent.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.segments = append(s.segments, segment)
	return s.op.stored(id, segment)
}

func (op *operator) stored(id report.BatchID, segment []byte) agent.Response {
	receipts, err := receipt.Sign(op.receipt, []receipt.Statement{{Batch: id, Body: sha256.Sum256(segment), Decision: receipt.Stored}})
	return agent.Response{Outcome: report.OK, Status: 202, Body: receipts[0], Err: err}
}

func (s *sink) FetchPolicy(context.Context, policy.Collector, string) agent.Response {
	return agent.Response{Outcome: report.HTTPError, Status: 503}
}

func (s *sink) Close() {}

// watcher is an agent whose counters a test can read.
type watcher struct {
	*agent.Agent
	op   *operator
	sink *sink
}

func watch(t testing.TB) *watcher {
	t.Helper()
	op := newOperator(t)
	spool, err := diskspool.Open(filepath.Join(t.TempDir(), "spool"), diskspool.Options{})
	must(t, err)
	s := &sink{op: op}
	a, err := agent.New(agent.Options{
		App: "test", Policy: op.policy(t, "https://c1.example"), Consent: report.Diagnostics, Spool: spool, Transport: s,
	})
	must(t, err)
	t.Cleanup(func() {
		must(t, a.Shutdown(context.Background()))
		if n := a.Stats().Panics; n != 0 {
			t.Errorf("the agent panicked %d times", n)
		}
	})
	return &watcher{a, op, s}
}

// seen returns what was observed since the last call. At least one request must have failed, or the
// window may not be sent.
func (w *watcher) seen(t testing.TB) (counters []report.Counter, samples []*report.Sample) {
	t.Helper()
	must(t, w.Flush(t.Context()))
	w.sink.mu.Lock()
	defer w.sink.mu.Unlock()
	for _, segment := range w.sink.segments {
		windows, more := w.op.records(t, segment)
		samples = append(samples, more...)
		for _, win := range windows {
			counters = append(counters, win.Counters...)
		}
	}
	w.sink.segments = nil
	return counters, samples
}

// authority signs certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &authority{cert, key, pool}
}

// certificate is one for 127.0.0.1 and shop.test, after change.
func (a *authority) certificate(t testing.TB, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{"shop.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serve accepts connections on a loopback address until the test ends, and hands each to handle,
// which need not close it.
func serve(t testing.TB, handle func(net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var group sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	group.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			group.Go(func() { handle(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		group.Wait()
	})
	return l.Addr().String()
}

// serveTLS is serve behind a handshake.
func serveTLS(t testing.TB, config *tls.Config, handle func(net.Conn)) (addr string) {
	return serve(t, func(c net.Conn) {
		s := tls.Server(c, config)
		if s.Handshake() == nil {
			handle(s)
		} else {
			_ = c.Close()
		}
	})
}

// reset closes a connection so that the peer gets an RST.
func reset(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}

// readSome waits for the first bytes of a request.
func readSome(c net.Conn) { _, _ = c.Read(make([]byte, 64<<10)) }

// say reads a request and answers with text.
func say(text string) func(net.Conn) {
	return func(c net.Conn) {
		readSome(c)
		_, _ = c.Write([]byte(text))
		_ = c.Close()
	}
}

// newTransport is a client's own transport.
func newTransport(t testing.TB, pool *x509.CertPool) *http.Transport {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}
