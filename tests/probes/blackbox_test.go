package probes

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
)

// wait is how long a program may take to start, and a scrape to come.
const wait = 30 * time.Second

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(wait); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, wait)
		}
	}
}

// program starts one of Debian's programs and waits until it is ready.
func program(t *testing.T, ready string, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v; make setup installs it", err)
	}
	t.Cleanup(func() {
		_ = cmd.Wait() // the test's context has ended it
		if t.Failed() {
			t.Logf("%s said:\n%s", name, &said)
		}
	})
	until(t, name, func() bool {
		resp, err := http.Get(ready)
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// freeAddress is an address on which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// exporter starts a real blackbox_exporter and returns its address.
func exporter(t *testing.T, config string) string {
	t.Helper()
	addr := freeAddress(t)
	program(t, "http://"+addr+"/-/healthy", "prometheus-blackbox-exporter", "--config.file="+config, "--web.listen-address="+addr)
	return addr
}

// ours starts a prober with the same modules and returns where it is scraped.
func ours(t *testing.T, modules string) string {
	t.Helper()
	config := filepath.Join(t.TempDir(), "heliograph.yaml")
	text := fmt.Sprintf("prober: {modules_file: %q, scrape: {listen: \"127.0.0.1:0\"}}\noperations: {listen: \"127.0.0.1:0\"}\ndashboard: {listen: \"127.0.0.1:0\"}\n", modules)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := roles.Load(config)
	if err != nil {
		t.Fatal(err)
	}
	p, err := roles.New(t.Context(), roles.Options{Config: c, Roles: roles.Roles{Prober: true}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return p.ScrapeAddr
}

// scrape is one thing to probe.
type scrape struct{ module, target string }

// targets starts servers and returns what to probe of them.
func targets(t *testing.T) []scrape {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/old":
			http.Redirect(w, r, "/new", http.StatusFound)
		case "/missing":
			http.NotFound(w, r)
		default:
			w.Header().Set("Last-Modified", "Sun, 29 Nov 2026 18:00:00 GMT")
			_, _ = io.WriteString(w, "hello")
		}
	})
	plain, secured := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	t.Cleanup(plain.Close)
	t.Cleanup(secured.Close)
	names := probetest.Names(t, "shop.example. A 192.0.2.1", "shop.example. A 192.0.2.2")
	state := health.NewServer()
	state.SetServingStatus("shop", grpc_health_v1.HealthCheckResponse_SERVING)
	mute, _ := probetest.Serve(t, probetest.Stall)
	closed := probetest.ClosedPort(t)
	return []scrape{
		{"http_2xx", plain.URL}, {"http_2xx", plain.URL + "/old"}, {"http_2xx", plain.URL + "/missing"}, {"http_2xx", "http://" + closed},
		{"http_2xx", strings.TrimPrefix(plain.URL, "http://")}, {"http_page", plain.URL},
		{"https", secured.URL}, {"https", secured.URL + "/old"}, {"https_strict", secured.URL},
		{"tcp_connect", plain.Listener.Addr().String()}, {"tcp_connect", closed},
		{"tls_connect", secured.Listener.Addr().String()}, {"banner", mute},
		{"dns_a", names}, {"dns_soa", names}, {"icmp", "127.0.0.1"},
		{"grpc_plain", serve(t, state)}, {"grpc_plain", closed},
	}
}

// series asks for the metrics of one probe: by name and labels, the value.
func series(t *testing.T, addr string, s scrape) map[string]string {
	t.Helper()
	resp, err := http.Get("http://" + addr + "/probe?" + url.Values{"module": {s.module}, "target": {s.target}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%+v: %s, %s, %v", s, resp.Status, body, err)
	}
	all := map[string]string{}
	for line := range strings.Lines(string(body)) {
		if i := strings.LastIndexByte(line, ' '); i > 0 && line[0] != '#' {
			// newer versions than Debian's have it, too
			name := serial.ReplaceAllString(line[:i], "")
			all[name] = strings.TrimSpace(line[i:])
		}
	}
	return all
}

var serial = regexp.MustCompile(`serialnumber="[^"]*",`)

// further are series that only this prober has.
func further(name string) bool {
	for _, own := range []string{"probe_timeout_seconds", "probe_outcome_info", "probe_tls_cipher_info"} {
		if strings.HasPrefix(name, own) {
			return true
		}
	}
	return false
}

// TestSameSeriesAsBlackboxExporter: every probe has the series of a real blackbox_exporter's, with
// the same values except for durations.
func TestSameSeriesAsBlackboxExporter(t *testing.T) {
	config, err := filepath.Abs("testdata/blackbox.yml")
	if err != nil {
		t.Fatal(err)
	}
	theirs, mine := exporter(t, config), ours(t, config)
	for _, s := range targets(t) {
		want, got := series(t, theirs, s), series(t, mine, s)
		for _, name := range slices.Sorted(maps.Keys(want)) {
			value, ok := got[name]
			switch {
			case !ok:
				t.Errorf("%s %s: %s %s is missing", s.module, s.target, name, want[name])
			case strings.Contains(name, "_seconds") && !strings.Contains(name, "timestamp"):
			case value != want[name]:
				t.Errorf("%s %s: %s is %s, want %s", s.module, s.target, name, value, want[name])
			}
		}
		for _, name := range slices.Sorted(maps.Keys(got)) {
			if _, ok := want[name]; !ok && !further(name) {
				t.Errorf("%s %s: there is also %s %s", s.module, s.target, name, got[name])
			}
		}
	}
}
