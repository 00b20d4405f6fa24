package roles

import (
	"crypto/ed25519"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/internal/syncbuffer"
	"github.com/heliograph-net/heliograph/privacy/keyfile"
	"github.com/heliograph-net/heliograph/privacy/policy"
)

// newKey makes a signing key and returns its public half, as policies list it.
func newKey(t *testing.T) (ed25519.PrivateKey, []byte) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return private, public
}

// A collector says at its start, by log and readiness, which policy agents would refuse from it. It
// knows the one that it served before.
func TestServedPolicy(t *testing.T) {
	stranger, strangers := newKey(t)
	for name, c := range map[string]struct {
		change  func(p *policy.Policy)
		another bool // key that signs
		want    string
		status  int
	}{
		"the same":           {nil, false, `"policy":"ok"`, 200},
		"the next":           {func(p *policy.Policy) { p.Version++ }, false, `"policy":"ok"`, 200},
		"of another signer":  {func(p *policy.Policy) { p.Version++; p.Signers = [][]byte{strangers} }, true, "a key that the policy served before does not list", 200},
		"signer not listed":  {func(p *policy.Policy) { p.Version++; p.Signers = [][]byte{strangers} }, false, "a key that is not among its signers", 200},
		"without it":         {func(p *policy.Policy) { p.Version++; p.Collectors[0].ID = "c9" }, false, "does not name c1", 200},
		"older":              {func(p *policy.Policy) { p.Version-- }, false, "is version 1, older than version 2", 200},
		"two of one version": {func(p *policy.Policy) { p.BytesPerDay++ }, false, "differs from the version 2", 200},
		"expired": {func(p *policy.Policy) {
			p.Version++
			p.Issued, p.Expires = time.Now().Add(-2*time.Hour).Unix(), time.Now().Add(-time.Hour).Unix()
		}, false, "expired on ", 200},
		"another receipt key": {func(p *policy.Policy) { p.Version++; p.Collectors[0].ReceiptKey = strangers }, false, "gives c1 another receipt key", 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := Init(dir, InitOptions{Config: []byte("collector: {listen: \"127.0.0.1:0\"}\noperations: {listen: \"127.0.0.1:0\"}\n")}); err != nil {
				t.Fatal(err)
			}
			own, err := readKey(dir, "keys/policy.pem", keyfile.ParseSigningKey)
			if err != nil {
				t.Fatal(err)
			}
			p, err := ReadPolicySource(filepath.Join(dir, "policy.yaml"), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			sign := func(key ed25519.PrivateKey) {
				t.Helper()
				signed, err := policy.Sign(p, key)
				if err == nil {
					err = os.WriteFile(filepath.Join(dir, "policy"), signed, 0o644)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			p.Version = 2
			sign(own)
			if _, body, _ := readiness(t, dir); !strings.Contains(body, `"policy":"ok"`) {
				t.Fatalf("before: %s", body)
			}
			if c.change != nil {
				c.change(p)
				sign(map[bool]ed25519.PrivateKey{false: own, true: stranger}[c.another])
			}
			status, body, log := readiness(t, dir)
			if status != c.status || !strings.Contains(body, c.want) {
				t.Errorf("status %d, want %d and %q: %s", status, c.status, c.want, body)
			}
			if fault := !strings.Contains(body, `"policy":"ok"`); fault != strings.Contains(log, "the policy that is served") {
				t.Errorf("the log says %s", log)
			}
		})
	}
}

// readiness starts a collector and returns what it says of itself.
func readiness(t *testing.T, dir string) (status int, body, text string) {
	t.Helper()
	c, err := Load(filepath.Join(dir, ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	var log syncbuffer.Buffer
	p, err := New(t.Context(), Options{Config: c, Roles: Roles{Collector: true}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(p.Run)
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	resp, err := http.Get("http://" + p.OperationsAddr + "/health/ready")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode, get(t, "http://"+p.OperationsAddr+"/health/ready"), log.String()
}

// While a policy is taken again, readiness has what is wrong with it all the time.
func TestServedPolicyIsNeverHalfChecked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := Init(dir, InitOptions{Config: []byte("collector: {listen: \"127.0.0.1:0\"}\n")}); err != nil {
		t.Fatal(err)
	}
	signed, err := os.ReadFile(filepath.Join(dir, "policy"))
	if err != nil {
		t.Fatal(err)
	}
	_, public := newKey(t)
	s := &servedPolicy{id: "c9", memory: filepath.Join(dir, "served"), log: slog.New(slog.DiscardHandler)}
	s.take(signed, public)
	taken := make(chan struct{})
	go func() {
		defer close(taken)
		for range 200 {
			s.take(signed, public)
		}
	}()
	for {
		if err := s.check(t.Context()); err == nil || !strings.Contains(err.Error(), "does not name c9") {
			t.Fatalf("ready: %v", err)
		}
		select {
		case <-taken:
			return
		default:
		}
	}
}
