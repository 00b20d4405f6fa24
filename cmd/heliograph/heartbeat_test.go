package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/prober/heartbeat"
	"github.com/heliograph-net/heliograph/prober/probe"
)

func TestHeartbeatIsSent(t *testing.T) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	dir := t.TempDir()
	keyFile, bits := filepath.Join(dir, "r17.pem"), filepath.Join(dir, "bits")
	for name, text := range map[string][]byte{keyFile: keyfile.MarshalSigningKey(key), bits: []byte("1 0\n1\n")} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	receiver := heartbeat.NewReceiver("fra")
	if err := receiver.Reload([]heartbeat.Rack{{Name: "r17", Key: key.Public().(ed25519.PublicKey), Servers: 3}}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(receiver)
	defer server.Close()
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"heartbeat", server.URL, "--vantage=fra", "--rack=r17", "--key=" + keyFile, "--bits=" + bits, "--ca=" + ca}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), args, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	f, err := (&heartbeat.Spec{Receiver: receiver, Rack: "r17", Server: 1}).Probe(probe.Env{})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := f(t.Context()); err != nil || r.Outcome != "heartbeat.down" {
		t.Errorf("%+v, %v", r, err)
	}
	for want, more := range map[string]string{"unknown key": "--vantage=ams", "--every": "--every=1s", "--bits": "--bits=" + keyFile, "--key": "--key=" + bits, "--ca": "--ca=" + bits} {
		stderr.Reset()
		changed := append(args[:len(args):len(args)], more)
		if want == "--every" {
			changed = append(changed, "--bits=-")
		}
		if code := run(t.Context(), changed, &stdout, &stderr); code == 0 || want != "unknown key" && !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: exit code %d: %s", more, code, &stderr)
		}
	}
}
