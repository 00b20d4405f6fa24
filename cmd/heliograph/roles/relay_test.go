package roles

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/internal/syncbuffer"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/privacy/ohttp"
	"github.com/heliograph-net/heliograph/privacy/policy"
)

func TestInitRelayGivesWhatARelayNeeds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	if err := InitRelay(dir); err != nil {
		t.Fatal(err)
	}
	c, err := LoadRelay(filepath.Join(dir, RelayConfigName))
	if err != nil {
		t.Fatalf("the commented configuration: %v", err)
	}
	want := relayDefaults()
	if c.Listen != want.Listen || c.Gateway != want.Gateway || c.Collector != want.Collector || c.Key != want.Key || c.Operations.Listen != want.Operations.Listen {
		t.Errorf("the comments say that the defaults are shown, but: %+v", c)
	}
	private, err1 := readKey(dir, "keys/relay.pem", keyfile.ParseSigningKey)
	public, err2 := readKey(dir, "keys/relay.pub.pem", keyfile.ParsePublicKey)
	if err1 != nil || err2 != nil || !public.Equal(private.Public()) {
		t.Errorf("keys: %v, %v", err1, err2)
	}
	if info, err := os.Stat(filepath.Join(dir, "keys/relay.pem")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info.Mode(), err)
	}
	if err := InitRelay(dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("again: %v", err)
	}
}

func TestBadRelayConfigNamesFileAndKey(t *testing.T) {
	for text, want := range map[string]string{
		"listen: nowhere\n": "listen",
		"tls_cert: a.pem\n": "tls_cert",
		"tls_cert: a\ntls_key: b\nacme: {names: [a.example]}": "acme",
		"source_requests_per_second: 0.5\n":                   "source_requests_per_second",
		"max_requests: -1\n":                                  "max_requests",
		"gatway: x\n":                                         "gatway",
		"proxy_protocol: [10.0.0.0/8, 10.0.0.1]\n":            "proxy_protocol[1]",
	} {
		path := filepath.Join(t.TempDir(), "relay.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadRelay(path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s named", text, err, want)
		}
	}
}

// Behind a balancer that speaks the PROXY protocol, what the collector is told of is the client.
func TestRelayBehindABalancer(t *testing.T) {
	dir := t.TempDir()
	if err := InitRelay(dir); err != nil {
		t.Fatal(err)
	}
	told := make(chan string, 10)
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			told <- r.Header.Get(protocol.HeaderNetwork)
		}
		w.Header().Set("Content-Type", ohttp.MediaTypeResponse)
	}))
	defer gateway.Close()
	for name, text := range map[string]string{
		"networks.tsv":  "192.0.2.0\t192.0.2.255\t64502\tSE\tclients\n",
		RelayConfigName: "listen: 127.0.0.1:0\noperations: {listen: \"127.0.0.1:0\"}\nnetworks: networks.tsv\nproxy_protocol: [127.0.0.2/32]\ngateway: " + gateway.URL + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := LoadRelay(filepath.Join(dir, RelayConfigName))
	if err != nil {
		t.Fatal(err)
	}
	n, err := NewRelay(RelayOptions{Config: c, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(n.Run)
	defer stop()
	post := func(from, header string) int {
		t.Helper()
		conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 5 * time.Second}).Dial("tcp", n.RelayAddr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprintf(conn, "%sPOST %s HTTP/1.1\r\nHost: relay\r\nContent-Type: %s\r\nContent-Length: 6\r\n\r\nsealed", header, protocol.PathOblivious, ohttp.MediaTypeRequest)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if code := post("127.0.0.2", "PROXY TCP4 192.0.2.7 198.51.100.1 1234 443\r\n"); code != http.StatusOK {
		t.Fatalf("status %d", code)
	}
	if word := <-told; !strings.HasPrefix(word, "AS64502, SE") {
		t.Errorf("the collector is told of %q", word)
	}
	if code := post("127.0.0.2", ""); code != 0 {
		t.Errorf("a balancer without a header: status %d", code)
	}
	if code := post("127.0.0.3", "PROXY TCP4 192.0.2.7 198.51.100.1 1234 443\r\n"); code != http.StatusBadRequest {
		t.Errorf("a header of somebody else: status %d", code)
	}
	if code := post("127.0.0.3", ""); code != http.StatusOK || strings.Contains(<-told, "64502") {
		t.Errorf("a client without a balancer: status %d", code)
	}
}

func TestStartRelay(t *testing.T) {
	dir := t.TempDir()
	if err := InitRelay(dir); err != nil {
		t.Fatal(err)
	}
	start := func(text string) error {
		path := filepath.Join(dir, RelayConfigName)
		if err := os.WriteFile(path, []byte("listen: 127.0.0.1:0\noperations: {listen: \"127.0.0.1:0\"}\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := LoadRelay(path)
		if err != nil {
			t.Fatal(err)
		}
		n, err := NewRelay(RelayOptions{Config: c, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		stop := lifecycle.Background(n.Run)
		defer func() {
			if err := stop(); err != nil {
				t.Error(err)
			}
		}()
		refusesForeignHosts(t, n.OperationsAddr)
		for path, status := range map[string]int{"/health/live": 200, "/health/ready": 503, "/metrics": 200} {
			resp, err := http.Get("http://" + n.OperationsAddr + path)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != status {
				t.Errorf("%s without a collector: %d, want %d", path, resp.StatusCode, status)
			}
		}
		return nil
	}
	if err := start("gateway: http://127.0.0.1:1\n"); err != nil {
		t.Error(err)
	}
	for text, want := range map[string]string{
		"gateway: http://collector.example\n":                 "https",
		"key: keys/nowhere.pem\n":                             "key",
		"gateway_ca: nowhere.pem\n":                           "gateway_ca",
		"networks: nowhere.tsv\n":                             "networks",
		"tls_cert: nowhere.pem\ntls_key: nowhere.pem\n":       "tls_cert",
		"acme: {names: [relay.example.net], ca: nowhere.pem}": "acme",
	} {
		if err := start(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s named", text, err, want)
		}
	}
}

// On SIGHUP the relay reads relay.yaml and the files that it names again. If something is wrong
// with them, the old ones stay in use.
func TestHangupReloadsRelay(t *testing.T) {
	dir := t.TempDir()
	if err := InitRelay(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, RelayConfigName)
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte("listen: 127.0.0.1:0\noperations: {listen: \"127.0.0.1:0\"}\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", ohttp.MediaTypeKeys)
		_, _ = w.Write([]byte("list"))
	}))
	defer gateway.Close()
	write("gateway: http://127.0.0.1:1\n")
	c, err := LoadRelay(path)
	if err != nil {
		t.Fatal(err)
	}
	var log syncbuffer.Buffer
	hangup := make(chan os.Signal)
	n, err := NewRelay(RelayOptions{Config: c, Logger: slog.New(slog.NewTextHandler(&log, nil)), Hangup: hangup})
	if err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(n.Run)
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	keys := func() int {
		t.Helper()
		resp, err := http.Get("http://" + n.RelayAddr + protocol.PathObliviousKeys)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := keys(); got != http.StatusBadGateway {
		t.Errorf("keys of a collector that is not there: %d", got)
	}
	public, err := readKey(dir, "keys/relay.pub.pem", keyfile.ParsePublicKey)
	if err != nil {
		t.Fatal(err)
	}
	write("gateway: " + gateway.URL + "\ncollector: c2\nmax_requests: 7\nacme: {cache: elsewhere}\n")
	hangup <- syscall.SIGHUP
	awaitLog(t, &log, "reloaded what=relay gateway="+gateway.URL+" collector=c2 max_requests=7 source_requests_per_second=100 key="+fingerprint(public))
	awaitLog(t, &log, "acme")
	if got := keys(); got != http.StatusOK {
		t.Errorf("keys after the reload: %d", got)
	}
	for text, want := range map[string]string{
		"gateway: http://collector.example\n":             "Gateway must be https",
		"gateway: http://127.0.0.1:1\nkey: nowhere.pem\n": "nowhere.pem",
		"gatway: http://127.0.0.1:1\n":                    "gatway",
	} {
		write(text)
		hangup <- syscall.SIGHUP
		awaitLog(t, &log, want)
		if got := keys(); got != http.StatusOK {
			t.Errorf("keys after a reload of %q: %d", text, got)
		}
	}
}

func TestPolicySourceWithRelay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := Init(dir, InitOptions{}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "policy.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(more string) (*policy.Policy, error) {
		if err := os.WriteFile(path, append(text, more...), 0o600); err != nil {
			t.Fatal(err)
		}
		return ReadPolicySource(path, time.Now())
	}
	p, err := sign("\n    relay: https://relay.example.net/v1/oblivious\n    oblivious_keys: [keys/oblivious.pub.pem]\n")
	if err != nil || p.Collectors[0].Relay != "https://relay.example.net/v1/oblivious" {
		t.Fatalf("%+v, %v", p, err)
	}
	configs, err := ohttp.ParseKeyConfigs(p.Collectors[0].ObliviousKeys, ohttp.MLKEM768X25519())
	if err != nil || len(configs) != 1 {
		t.Errorf("%d keys, %v", len(configs), err)
	}
	for more, want := range map[string]string{
		"\n    relay: https://relay.example.net/v1/oblivious\n":                                                "collectors[0].oblivious_keys",
		"\n    oblivious_keys: [keys/oblivious.pub.pem]\n":                                                     "collectors[0].oblivious_keys",
		"\n    relay: http://relay.example.net\n    oblivious_keys: [keys/oblivious.pub.pem]\n":                "collectors[0].relay",
		"\n    relay: https://relay.example.net/v1/oblivious\n    oblivious_keys: [keys/oblivious.pem]\n":      "collectors[0].oblivious_keys[0]",
		"\n    relay: https://relay.example.net/v1/oblivious\n    oblivious_keys: [keys/receipt.pub.pem, a]\n": "collectors[0].oblivious_keys[1]",
	} {
		if _, err := sign(more); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "policy.yaml") {
			t.Errorf("%q: %v, want %s named", more, err, want)
		}
	}
}
