package httpagent_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/report"
)

// collector is a server with a certificate for shop.test and 127.0.0.1.
func collector(t *testing.T, ca *authority, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{ca.certificate(t, nil)}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func transport(t *testing.T, o httpagent.TransportOptions) *httpagent.Transport {
	tr := httpagent.NewTransport(o)
	t.Cleanup(tr.Close)
	return tr
}

func TestDeliver(t *testing.T) {
	ca := newAuthority(t)
	id, segment := report.BatchID{1, 2, 3}, []byte("a sealed segment")
	delivery, err := report.AppendDelivery(nil, report.Delivery{Age: 5})
	must(t, err)
	s := collector(t, ca, func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		d, err := base64.RawURLEncoding.DecodeString(r.Header.Get(protocol.HeaderDelivery))
		if r.Method != http.MethodPost || r.URL.Path != "/v1/batches" || string(body) != string(segment) || err != nil || string(d) != string(delivery) ||
			r.Header.Get("Content-Type") != protocol.MediaTypeSegment || r.Header.Get(protocol.HeaderBatch) != id.String() || r.ProtoMajor != 2 {
			t.Errorf("request %s %s %v with %q", r.Method, r.URL, r.Header, body)
		}
		for name := range r.Header {
			switch name {
			case "Content-Type", "Content-Length", "Accept", "User-Agent", protocol.HeaderBatch, protocol.HeaderDelivery:
			default:
				t.Errorf("header %s tells more than it must", name)
			}
		}
		if ua := r.Header.Get("User-Agent"); ua != "heliograph/1" {
			t.Errorf("user agent %q", ua)
		}
		rw.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(rw, "receipt")
	})
	tr := transport(t, httpagent.TransportOptions{RootCAs: ca.pool})
	got := tr.Deliver(t.Context(), policy.Collector{ID: "c1", URL: s.URL}, id, delivery, segment)
	if got.Outcome != report.OK || got.Status != 202 || string(got.Body) != "receipt" || got.Err != nil {
		t.Errorf("response %+v", got)
	}
}

func TestFetchPolicy(t *testing.T) {
	ca := newAuthority(t)
	s := collector(t, ca, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("ETag", `"v2"`)
		if r.Method != http.MethodGet || r.URL.Path != "/v1/policy" {
			t.Errorf("request %s %s", r.Method, r.URL)
		}
		if r.Header.Get("If-None-Match") == `"v2"` {
			rw.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(rw, "policy")
	})
	tr := transport(t, httpagent.TransportOptions{RootCAs: ca.pool})
	c := policy.Collector{ID: "c1", URL: s.URL}
	if got := tr.FetchPolicy(t.Context(), c, `"v1"`); string(got.Body) != "policy" || got.ETag != `"v2"` || got.Status != 200 || got.Outcome != report.OK {
		t.Errorf("response %+v", got)
	}
	if got := tr.FetchPolicy(t.Context(), c, `"v2"`); len(got.Body) != 0 || got.Status != 304 || got.Outcome != report.OK {
		t.Errorf("response %+v", got)
	}
}

// TestAnswersThatAreNoReceipts: each is told for what it is, within bounds.
func TestAnswersThatAreNoReceipts(t *testing.T) {
	ca := newAuthority(t)
	var followed atomic.Bool
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		want    report.Outcome
		status  uint16
		retry   time.Duration
	}{
		{"redirect is not followed", func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/login" {
				followed.Store(true)
			}
			http.Redirect(rw, r, "/login", http.StatusFound)
		}, report.OK, 302, 0},
		{"blocked", func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(403) }, report.HTTPError, 403, 0},
		{"overloaded", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Retry-After", "120")
			rw.WriteHeader(503)
		}, report.HTTPError, 503, 2 * time.Minute},
		{"retry after nonsense", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Retry-After", "-5")
			rw.WriteHeader(503)
		}, report.HTTPError, 503, 0},
		{"endless answer", func(rw http.ResponseWriter, _ *http.Request) {
			for range 100 {
				if _, err := io.WriteString(rw, strings.Repeat("x", 1024)); err != nil {
					return
				}
			}
		}, report.HTTPResponseInvalid, 200, 0},
		{"truncated answer", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(rw, "abc")
			_ = http.NewResponseController(rw).Flush()
			panic(http.ErrAbortHandler)
		}, report.H2ProtocolError, 200, 0},
		{"cookies are not kept", func(rw http.ResponseWriter, r *http.Request) {
			if len(r.Cookies()) > 0 {
				rw.WriteHeader(400)
			}
			http.SetCookie(rw, &http.Cookie{Name: "track", Value: "1"})
		}, report.OK, 200, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := collector(t, ca, test.handler)
			tr := transport(t, httpagent.TransportOptions{RootCAs: ca.pool})
			for range 2 {
				got := tr.Deliver(t.Context(), policy.Collector{ID: "c1", URL: s.URL}, report.BatchID{1}, nil, []byte("segment"))
				if got.Outcome != test.want || got.Status != test.status || got.RetryAfter != test.retry || len(got.Body) > receipt.MaxSize {
					t.Errorf("response %v %d, retry after %v, %d bytes, %v", got.Outcome, got.Status, got.RetryAfter, len(got.Body), got.Err)
				}
			}
		})
	}
	if followed.Load() {
		t.Error("a redirect was followed")
	}
}

func TestRetryAfterDate(t *testing.T) {
	ca := newAuthority(t)
	s := collector(t, ca, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Retry-After", time.Now().Add(10*time.Minute).UTC().Format(http.TimeFormat))
		rw.WriteHeader(503)
	})
	got := transport(t, httpagent.TransportOptions{RootCAs: ca.pool}).FetchPolicy(t.Context(), policy.Collector{URL: s.URL}, "")
	if got.RetryAfter < 9*time.Minute || got.RetryAfter > 10*time.Minute {
		t.Errorf("retry after %v, want about 10 minutes", got.RetryAfter)
	}
}

func TestPins(t *testing.T) {
	ca := newAuthority(t)
	s := collector(t, ca, func(rw http.ResponseWriter, _ *http.Request) {})
	leaf, err := x509.ParseCertificate(s.TLS.Certificates[0].Certificate[0])
	must(t, err)
	pin := func(c *x509.Certificate) []byte {
		sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
		return sum[:]
	}
	other := newAuthority(t)
	for _, test := range []struct {
		name string
		pins [][]byte
		pool *x509.CertPool
		want report.Outcome
	}{
		{"none", nil, ca.pool, report.OK},
		{"leaf", [][]byte{make([]byte, 32), pin(leaf)}, ca.pool, report.OK},
		{"authority", [][]byte{pin(ca.cert)}, ca.pool, report.OK},
		{"another key", [][]byte{pin(other.cert)}, ca.pool, report.TLSCertPinnedKeyNotInChain},
		{"right key, authority not trusted", [][]byte{pin(leaf)}, other.pool, report.TLSCertAuthorityInvalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			tr := transport(t, httpagent.TransportOptions{RootCAs: test.pool})
			c := policy.Collector{ID: "c1", URL: s.URL, Pins: test.pins}
			if got := tr.FetchPolicy(t.Context(), c, ""); got.Outcome != test.want {
				t.Errorf("outcome %v, want %v; %v", got.Outcome, test.want, got.Err)
			}
		})
	}
	// A client that was made for a collector without pins is not used for the same one with pins.
	tr := transport(t, httpagent.TransportOptions{RootCAs: ca.pool})
	for _, c := range []struct {
		pins [][]byte
		want report.Outcome
	}{{nil, report.OK}, {[][]byte{pin(other.cert)}, report.TLSCertPinnedKeyNotInChain}} {
		if got := tr.FetchPolicy(t.Context(), policy.Collector{ID: "c1", URL: s.URL, Pins: c.pins}, ""); got.Outcome != c.want {
			t.Errorf("outcome %v, want %v", got.Outcome, c.want)
		}
	}
}

// TestFallbackAddresses: a collector is reached with DNS dead in every way.
func TestFallbackAddresses(t *testing.T) {
	ca := newAuthority(t)
	s := collector(t, ca, func(rw http.ResponseWriter, r *http.Request) {
		if r.TLS.ServerName != "shop.test" {
			t.Errorf("server name %q", r.TLS.ServerName)
		}
	})
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, closed.Close())
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	must(t, err)
	for _, test := range []struct {
		name      string
		rcode     int
		addresses []string
		want      report.Outcome
	}{
		{"NXDOMAIN", dns.RcodeNameError, []string{s.Listener.Addr().String()}, report.OK},
		{"SERVFAIL", dns.RcodeServerFailure, []string{s.Listener.Addr().String()}, report.OK},
		{"silent", silent, []string{s.Listener.Addr().String()}, report.OK},
		{"dead", dead, []string{s.Listener.Addr().String()}, report.OK},
		{"first address dead", dead, []string{closed.Addr().String(), s.Listener.Addr().String()}, report.OK},
		{"no address works", dead, []string{closed.Addr().String()}, report.TCPRefused},
		{"no addresses", dns.RcodeNameError, nil, report.DNSNameNotResolved},
	} {
		t.Run(test.name, func(t *testing.T) {
			tr := transport(t, httpagent.TransportOptions{RootCAs: ca.pool, Resolver: resolver(nameServer(t, test.rcode))})
			c := policy.Collector{ID: "c1", URL: "https://shop.test:" + port, Addresses: test.addresses}
			if got := tr.FetchPolicy(t.Context(), c, ""); got.Outcome != test.want {
				t.Errorf("outcome %v, want %v; %v", got.Outcome, test.want, got.Err)
			}
		})
	}
}

func TestLocalAddr(t *testing.T) {
	peer := make(chan string, 1)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { peer <- r.RemoteAddr }))
	defer s.Close()
	tr := transport(t, httpagent.TransportOptions{LocalAddr: netip.MustParseAddr("127.0.0.7")})
	if got := tr.FetchPolicy(t.Context(), policy.Collector{URL: s.URL}, ""); got.Outcome != report.OK {
		t.Fatalf("response %+v", got)
	}
	if got := <-peer; !strings.HasPrefix(got, "127.0.0.7:") {
		t.Errorf("came from %s", got)
	}
}

func TestDeliveryEndsWithItsContext(t *testing.T) {
	url := "http://" + serve(t, func(net.Conn) {})
	tr := transport(t, httpagent.TransportOptions{})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	got := tr.Deliver(ctx, policy.Collector{URL: url}, report.BatchID{}, nil, []byte("segment"))
	if got.Err == nil || !errors.Is(got.Err, context.DeadlineExceeded) {
		t.Errorf("response %+v", got)
	}
	if got := tr.FetchPolicy(ctx, policy.Collector{URL: "http://\x00"}, ""); got.Err == nil || got.Outcome != report.Unknown {
		t.Errorf("a bad URL: %+v", got)
	}
}
