package blackbox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/prober/blackbox"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/conn"
	"github.com/heliograph-net/heliograph/prober/probe/httpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/tcpprobe"
)

// scrape asks a handler whose modules are "http_2xx" and "tcp_connect".
func scrape(t *testing.T, o blackbox.Options, query string, header http.Header) (status int, body string) {
	t.Helper()
	if o.Probe == nil {
		o.Probe = func(module, target, _ string) (p blackbox.Probe, err error) {
			var spec probe.Spec = &httpprobe.Options{URL: target, TLS: conn.TLSOptions{InsecureSkipVerify: true}, FollowRedirects: true}
			if module == "tcp_connect" {
				spec = &tcpprobe.Options{Target: target}
			} else if module != blackbox.DefaultModule {
				return p, fmt.Errorf("%w %q", blackbox.ErrModule, module)
			}
			p.Kind, p.Timeout = spec.Kind(), 2*time.Second
			p.Func, err = spec.Probe(probe.Env{})
			return p, err
		}
	}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe?"+query, nil)
	maps.Copy(request.Header, header)
	answer := httptest.NewRecorder()
	blackbox.New(o).ServeHTTP(answer, request)
	return answer.Code, answer.Body.String()
}

func wantLines(t *testing.T, body string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+body, "\n"+line) {
			t.Errorf("no line begins with %q in\n%s", line, body)
		}
	}
}

func TestHTTPHasTheMetricsOfBlackboxExporter(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new", http.StatusFound)
			return
		}
		w.Header().Set("Last-Modified", "Sun, 29 Nov 2026 18:00:00 GMT")
		_, _ = io.WriteString(w, "hello")
	}))
	defer server.Close()
	status, body := scrape(t, blackbox.Options{}, "target="+server.URL+"/old", nil)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	wantLines(t, body, "probe_success 1", "probe_timeout_seconds 2", "probe_duration_seconds 0.", "probe_dns_lookup_time_seconds 0", "probe_ip_protocol 4",
		"probe_ip_addr_hash 3.668918509e+09", "probe_http_status_code 200", "probe_http_content_length 5", "probe_http_uncompressed_body_length 5",
		"probe_http_redirects 1", "probe_http_ssl 1", "probe_http_version 1.1", "probe_http_last_modified_timestamp_seconds 1.7959752e+09",
		`probe_http_duration_seconds{phase="resolve"} 0`, `probe_http_duration_seconds{phase="connect"}`, `probe_http_duration_seconds{phase="tls"}`,
		`probe_http_duration_seconds{phase="processing"}`, `probe_http_duration_seconds{phase="transfer"}`, "probe_failed_due_to_regex 0",
		"probe_ssl_earliest_cert_expiry 3.6", `probe_ssl_last_chain_info{fingerprint_sha256="`, `probe_tls_version_info{version="TLS 1.3"} 1`,
		`probe_tls_cipher_info{cipher="TLS_`, `probe_outcome_info{outcome="ok"} 1`)
}

func TestFailuresAreMetricsToo(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	_, body := scrape(t, blackbox.Options{}, "target="+server.URL, nil)
	wantLines(t, body, "probe_success 0", "probe_http_status_code 404", `probe_outcome_info{outcome="http.error"} 1`)

	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	status, body := scrape(t, blackbox.Options{}, "module=tcp_connect&target="+closed.Addr().String(), nil)
	if status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
	wantLines(t, body, "probe_success 0", `probe_outcome_info{outcome="tcp.refused"} 1`, "probe_ip_protocol 4")
}

func TestScrapeSaysHowLongItWaits(t *testing.T) {
	o := blackbox.Options{Probe: func(string, string, string) (blackbox.Probe, error) {
		return blackbox.Probe{Kind: "tcp", Timeout: 20 * time.Second, Func: func(ctx context.Context) (probe.Result, error) {
			until, _ := ctx.Deadline()
			return probe.Result{}, fmt.Errorf("in %v", time.Until(until))
		}}, nil
	}}
	for header, want := range map[string]string{"": "probe_timeout_seconds 20", "10": "probe_timeout_seconds 9.5", "0.2": "probe_timeout_seconds 20", "1e300": "probe_timeout_seconds 20"} {
		h := http.Header{}
		if header != "" {
			h.Set("X-Prometheus-Scrape-Timeout-Seconds", header)
		}
		_, body := scrape(t, o, "target=a", h)
		wantLines(t, body, want, "probe_success 0", `probe_outcome_info{outcome="inconclusive"} 1`)
	}
	for _, bad := range []string{"soon", "-1", "NaN"} {
		if status, body := scrape(t, o, "target=a", http.Header{"X-Prometheus-Scrape-Timeout-Seconds": {bad}}); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", bad, status, body)
		}
	}
}

func TestBadScrapesAreRefused(t *testing.T) {
	for query, want := range map[string]string{
		"":                                    "target",
		"target=" + strings.Repeat("a", 3000): "target",
		"target=a:1&module=none":              `unknown module "none"`,
		"target=http://%25%25":                "url",
	} {
		if status, body := scrape(t, blackbox.Options{}, query, nil); status != http.StatusBadRequest || !strings.Contains(strings.ToLower(body), want) {
			t.Errorf("%.40q: %d %s", query, status, body)
		}
	}
}

func TestTooManyScrapesAreTurnedAway(t *testing.T) {
	busy, release := make(chan struct{}), make(chan struct{})
	handler := blackbox.New(blackbox.Options{Concurrency: 1, Probe: func(string, string, string) (blackbox.Probe, error) {
		return blackbox.Probe{Func: func(context.Context) (probe.Result, error) {
			close(busy)
			<-release
			return probe.Result{}, errors.New("released")
		}}, nil
	}})
	first := make(chan int)
	get := func() int {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe?target=a", nil))
		return answer.Code
	}
	go func() { first <- get() }()
	<-busy
	if status := get(); status != http.StatusServiceUnavailable {
		t.Errorf("the second of one: %d", status)
	}
	close(release)
	if status := <-first; status != http.StatusOK {
		t.Errorf("the first: %d", status)
	}
}
