package node

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/prober/probe/probetest"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/tests/operator"
)

// counted compares what was counted with what a program has printed that must be.
func (s *site) counted(out string) {
	s.Helper()
	want := make(map[string]map[report.Outcome]float64)
	if err := json.Unmarshal([]byte(out), &want); err != nil {
		s.Fatalf("%v: %s", err, out)
	}
	var n float64
	for _, outcomes := range want {
		for _, count := range outcomes {
			n += count
		}
	}
	got := s.Counts(n)
	for target, outcomes := range want {
		if !equal(got[target], outcomes) {
			s.Errorf("%s: counted as %v, want %v", target, got[target], outcomes)
		}
		delete(got, target)
	}
	if len(got) > 0 {
		s.Errorf("also counted: %v", got)
	}
}

// TestGivenUp: requests that the program gives up are told apart from failures, as the agent for Go
// does.
func TestGivenUp(t *testing.T) {
	s := newSite(t)
	out, _ := run(t, 0, "givenup.js", s.Policy, filepath.Join(t.TempDir(), "spool"))
	s.counted(out)
}

// TestThreadsAndWorkers: threads report by the main thread's agent, workers of a cluster by
// their own.
func TestThreadsAndWorkers(t *testing.T) {
	s := newSite(t)
	out, _ := run(t, 0, "threads.js", s.Policy, filepath.Join(t.TempDir(), "spool"))
	s.counted(out)
}

// TestErrorsEndAsEver: a program with an agent ends with the same code and the same words as one
// without, and tells the operator what it caught and what ended it.
func TestErrorsEndAsEver(t *testing.T) {
	for how, code := range map[string]int{"throw": 1, "reject": 1, "handled": 0} {
		t.Run(how, func(t *testing.T) {
			s := newSite(t)
			bareOut, bareErr := run(t, code, "errors.js", how)
			out, errs := run(t, code, "errors.js", how, s.Policy, filepath.Join(t.TempDir(), "spool"))
			if out != bareOut || errs != bareErr {
				t.Errorf("with an agent it prints\n%s%s\nwithout one\n%s%s", out, errs, bareOut, bareErr)
			}
			want := map[string]string{"CartError": "app.error loadCart", "RangeError": "app.panic errors.js"}
			if how == "reject" {
				want = map[string]string{"CartError": "app.error loadCart", "TypeError": "app.panic errors.js"}
			}
			for _, sample := range s.Samples(2) {
				e := sample.Error
				text := fmt.Sprintf("%s %v", sample.Outcome, e.Stack)
				for part := range strings.FieldsSeq(want[e.Type]) {
					if !strings.Contains(text, part) {
						t.Errorf("%s: %s, want %s", e.Type, text, want[e.Type])
					}
				}
				if strings.Contains(e.Message, "jane") || want[e.Type] == "" || strings.Contains(text, project) {
					t.Errorf("%+v", e)
				}
				delete(want, e.Type)
			}
			if len(want) > 0 {
				t.Errorf("not told: %v", want)
			}
		})
	}
}

// TestConsent: the program checks by itself.
func TestConsent(t *testing.T) {
	s := newSite(t)
	if out, _ := run(t, 0, "consent.js", unheard(t, s), filepath.Join(t.TempDir(), "spool")); out != "done\n" {
		t.Errorf("it ended early: %s", out)
	}
}

// TestEndsAtOnce: a program that ends right after its first failure has reported it, by the second
// collector, and its code is its own.
func TestEndsAtOnce(t *testing.T) {
	s := newSite(t, "http://"+probetest.ClosedPort(t))
	target := "http://" + probetest.ClosedPort(t)
	run(t, 3, "exit.js", s.Policy, filepath.Join(t.TempDir(), "spool"), target)
	if got := s.Counts(1); !equal(got[target], map[report.Outcome]float64{report.TCPRefused: 1}) || len(got) != 1 {
		t.Errorf("counted %v", got)
	}
}

// TestDeliversWithoutDNS: when the collector's name does not resolve, its addresses in the policy
// do, by TLS under its name, and with its pinned key; a collector with another key gets nothing.
func TestDeliversWithoutDNS(t *testing.T) {
	ca, err := devca.New("Authority of collectors")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := ca.Issue(time.Now().Add(time.Hour), "collector.invalid")
	if err != nil {
		t.Fatal(err)
	}
	certPEM, keyPEM, err := devca.EncodePEM(certificate)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	pin := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	for name, key := range map[string][32]byte{"its key": pin, "another key": sha256.Sum256(nil)} {
		t.Run(name, func(t *testing.T) {
			collector := operator.FreePort(t)
			s := operator.NewWith(t, fmt.Sprintf("collector: {listen: %q, tls_cert: cert.pem, tls_key: key.pem}", collector),
				fmt.Sprintf("  - {id: c1, url: \"https://collector.invalid\", addresses: [%q], pins: [%q], priority: 1, weight: 1, receipt_key: keys/receipt.pub.pem}\n",
					collector, base64.StdEncoding.EncodeToString(key[:])),
				map[string][]byte{"cert.pem": certPEM, "key.pem": keyPEM, "ca.pem": ca.PEM()})
			target := "http://" + probetest.ClosedPort(t)
			out, _ := runWith(t, []string{"NODE_EXTRA_CA_CERTS=" + filepath.Join(s.Dir, "ca.pem")}, "node", 0, "deliver.js",
				s.Policy, filepath.Join(t.TempDir(), "spool"), target)
			if key != pin {
				if out != "1 waits\n" {
					t.Errorf("a stranger got it: %s", out)
				}
				return
			}
			if got := s.Counts(1); out != "0 waits\n" || !equal(got[target], map[report.Outcome]float64{report.TCPRefused: 1}) {
				t.Errorf("%s; counted %v", out, got)
			}
		})
	}
}

// TestManyProcesses: what several processes write into one spool at once is all there afterwards,
// though some were killed; the next process delivers it. A failure that a killed process had not
// yet sealed may be lost.
func TestManyProcesses(t *testing.T) {
	s := newSite(t)
	spool := filepath.Join(t.TempDir(), "spool")
	target := "http://" + probetest.ClosedPort(t)
	out, _ := run(t, 0, "locks.js", unheard(t, s), spool, target)
	for name := range strings.SplitSeq(strings.Join(files(t, spool), " "), " ") {
		if !regexp.MustCompile(`^(\d{16}-[0-9a-f]{32}\.(seg|open|open\.holder)|(dir|upload)\.lock(\.holder)?|[a-z]+\.state(\.tmp)?)$`).MatchString(name) {
			t.Errorf("left in the spool: %s", name)
		}
	}
	run(t, 3, "exit.js", s.Policy, spool, target)
	var want float64
	if _, err := fmt.Sscan(out, &want); err != nil {
		t.Fatal(err)
	}
	got := operator.Eventually(t, func() (float64, error) { return s.Counts(want + 1)[target][report.TCPReset], nil }, func(n float64) bool { return n >= want })
	if got != want {
		t.Errorf("%v of %v failures were delivered", got, want)
	}
}

// unheard returns a policy of s's operator whose collector does not listen.
func unheard(t *testing.T, s *site) (file string) {
	t.Helper()
	source, file := filepath.Join(s.Dir, "unheard.yaml"), filepath.Join(s.Dir, "unheard")
	text := fmt.Appendf(nil, "success_fraction: 1\nseal_key: keys/seal.pem\nsigners: [keys/policy.pub.pem]\ncollectors:\n"+
		"  - {id: c1, url: \"http://%s\", priority: 1, weight: 1, receipt_key: keys/receipt.pub.pem}\n", probetest.ClosedPort(t))
	if err := os.WriteFile(source, text, 0o600); err != nil {
		t.Fatal(err)
	}
	policy, err := roles.SignPolicyFile(source, filepath.Join(s.Dir, "keys/policy.pem"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, policy, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "node"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
