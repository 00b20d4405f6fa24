package roles

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/prober/heartbeat"
)

func TestNamesOfServersAreExpanded(t *testing.T) {
	for list, want := range map[string]string{
		"a":            "[a]",
		"a-[1-3]":      "[a-1 a-2 a-3]",
		"a-[08-11].b":  "[a-08.b a-09.b a-10.b a-11.b]",
		"a,b-[1-1],c":  "[a b-1 c]",
		"a-[x-3]":      "[a-[x-3]]",
		"a-[3-1]":      "want numbers that rise",
		"[1-99999999]": "at most 1000000",
	} {
		names, err := expand(strings.Split(list, ","))
		if got := fmt.Sprint(names); got != want && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %s, %v; want %s", list, got, err, want)
		}
	}
	if _, err := expand(nil); err == nil {
		t.Error("no servers were taken")
	}
}

// Heartbeats of a rack are on the same map as what is probed. They travel over TLS if the listener
// has a certificate.
func TestHeartbeatsAreOnTheMap(t *testing.T) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	s := newProberSite(t)
	path := filepath.Join(s.dir, "keys", "r17.pub.pem")
	if err := os.WriteFile(path, keyfile.MarshalPublicKey(key.Public().(ed25519.PublicKey)), 0o600); err != nil {
		t.Fatal(err)
	}
	authority, cert, private := heartbeatCertificate(t, s.dir)
	s.edit("prober:\n", "prober:\n  heartbeats: {listen: \"127.0.0.1:0\", tls_cert: "+cert+", tls_key: "+private+", racks: [{name: r17, key: keys/r17.pub.pem, servers: [\"disk-[1-3]\"], data_centre: east}]}\n")
	p, stop, _ := s.start(Roles{Prober: true})
	defer func() { _ = stop() }()
	bits, err := heatmap.FromBytes(3, []byte{0b101})
	if err != nil {
		t.Fatal(err)
	}
	beat := &heartbeat.Beat{Rack: "r17", Number: uint64(time.Now().UnixMilli()), Up: bits}
	if err := heartbeat.Send(t.Context(), nil, "http://"+p.HeartbeatAddr, "fra-1", key, beat); err == nil {
		t.Error("the listener takes heartbeats in plain text")
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority.Pool()}}}
	defer client.CloseIdleConnections()
	if err := heartbeat.Send(t.Context(), client, "https://"+p.HeartbeatAddr, "fra-1", key, beat); err != nil {
		t.Fatal(err)
	}
	servers := p.probes
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		up, down := 0, 0
		topology := servers.Topology()
		for i, name := range []string{"disk-1", "disk-2", "disk-3"} {
			if n, ok := topology.ByName(name); ok {
				switch state, _ := servers.State(n); {
				case state == heatmap.Up && i != 1:
					up++
				case state == heatmap.Down && i == 1:
					down++
				}
			}
		}
		if up == 2 && down == 1 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d are up and %d down on the map", up, down)
		}
	}
}

// heartbeatCertificate writes a certificate for 127.0.0.1 and its key, and returns the files.
func heartbeatCertificate(t *testing.T, dir string) (authority *devca.CA, cert, private string) {
	t.Helper()
	authority, err := devca.New("test")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Issue(time.Now().Add(time.Hour), "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	certPEM, keyPEM, err := devca.EncodePEM(pair)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"beats.crt": certPEM, "beats.key": keyPEM} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return authority, "beats.crt", "beats.key"
}

func TestFaultyHeartbeatsAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"{listen: here}":                                              "prober.heartbeats.listen: \"here\"",
		"{listen: \"127.0.0.1:0\"}":                                   "prober.vantage: must not be empty",
		"{racks: [{name: a, servers: [b]}]}":                          "prober.heartbeats.listen: must not be empty",
		"{tls_cert: a.pem}":                                           "prober.heartbeats.tls_cert: tls_cert and tls_key go together",
		"{silent_after: soon}":                                        "prober.heartbeats.silent_after",
		"{listen: \"127.0.0.1:0\", racks: [{name: a}]}":               "prober.heartbeats.racks[0].servers: must not be empty",
		"{listen: \"127.0.0.1:0\", racks: [{servers: [\"a[2-1]\"]}]}": "prober.heartbeats.racks[0].name",
	} {
		if _, err := parse("h.yaml", []byte("prober:\n  heartbeats: "+text+"\n")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
