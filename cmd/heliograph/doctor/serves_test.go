package doctor

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

func signingKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

// operated is a real collector on loopback, and the policy that the operator has.
type operated struct {
	*httptest.Server
	held Held
}

// operate starts a collector that signs receipts with receiptKey. It serves the policy as changed
// by change and signed by signer. The operator's policy is signed by key 1 and expects receipts
// signed by key 2.
func operate(t *testing.T, receiptKey, signer ed25519.PrivateKey, change func(*policy.Policy)) *operated {
	t.Helper()
	o := &operated{Server: httptest.NewUnstartedServer(nil)}
	open, err := seal.GenerateOpenKey()
	if err != nil {
		t.Fatal(err)
	}
	p := policy.Policy{Version: 5, Issued: time.Now().Unix(), Expires: time.Now().Add(90 * 24 * time.Hour).Unix(), MaxConsent: report.Counts,
		SealKey: open.SealKey().Bytes(), Signers: [][]byte{signingKey(1).Public().(ed25519.PublicKey)},
		Collectors: []policy.Collector{{ID: "c1", URL: "http://" + o.Listener.Addr().String(), ReceiptKey: signingKey(2).Public().(ed25519.PublicKey)}}}
	if o.held.Signed, err = policy.Sign(&p, signingKey(1)); err != nil {
		t.Fatal(err)
	}
	o.held.Policy = &p
	served := p
	change(&served)
	signed, err := policy.Sign(&served, signer)
	if err != nil {
		t.Fatal(err)
	}
	inbox, err := sqliteinbox.Open(filepath.Join(t.TempDir(), "inbox.db"), sqliteinbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := collector.New(collector.Options{ID: "c1", Inbox: inbox, Settings: collector.Settings{ReceiptKey: receiptKey, Policy: signed}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	o.Config.Handler = c.Handler()
	o.Start()
	t.Cleanup(func() {
		o.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := inbox.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

func TestWhatACollectorServes(t *testing.T) {
	for name, tt := range map[string]struct {
		receipt, signer byte
		change          func(*policy.Policy)
		want            string // in the only fault; "": none
	}{
		"as it should be":         {2, 1, func(*policy.Policy) {}, ""},
		"receipts by another key": {3, 1, func(*policy.Policy) {}, "receipts are not signed by the key"},
		"older":                   {2, 1, func(p *policy.Policy) { p.Version = 4 }, "version 4 of the policy, older than version 5"},
		"newer":                   {2, 1, func(p *policy.Policy) { p.Version = 6 }, "version 6 of the policy, newer than version 5"},
		"two of one version":      {2, 1, func(p *policy.Policy) { p.BytesPerDay = 1 }, "another policy of version 5"},
		"another operator's":      {2, 9, func(*policy.Policy) {}, "another key has signed"},
		"a key that may sign next": {2, 1, func(p *policy.Policy) {
			p.Version = 6
			p.Signers = [][]byte{signingKey(7).Public().(ed25519.PublicKey)}
		}, "newer"},
	} {
		t.Run(name, func(t *testing.T) {
			o := operate(t, signingKey(tt.receipt), signingKey(tt.signer), tt.change)
			f := (&Looker{Held: &o.held}).Collector(t.Context(), o.held.Policy.Collectors[0])
			if tt.want == "" && len(f.Faults) == 0 {
				return
			}
			if len(f.Faults) != 1 || tt.want == "" || !strings.Contains(f.Faults[0], tt.want) {
				t.Errorf("faults %q, want one with %q", f.Faults, tt.want)
			}
		})
	}
}

// TestWhatAPolicyLacks: a policy may differ in several ways.
func TestWhatAPolicyLacks(t *testing.T) {
	o := operate(t, signingKey(2), signingKey(1), func(p *policy.Policy) {
		p.Version, p.Issued, p.Expires = 4, time.Now().Add(-48*time.Hour).Unix(), time.Now().Add(-24*time.Hour).Unix()
		p.Collectors = []policy.Collector{{ID: "c7", URL: "https://c7.example", ReceiptKey: p.Collectors[0].ReceiptKey}}
	})
	f := (&Looker{Held: &o.held}).Collector(t.Context(), o.held.Policy.Collectors[0])
	for _, want := range []string{"older", "has expired", "does not name it"} {
		if !strings.Contains(strings.Join(f.Faults, "\n"), want) {
			t.Errorf("faults %q lack %q", f.Faults, want)
		}
	}
}

// TestAServiceThatIsNotThere: a service that does not exist is not reported as one that shares
// nothing.
func TestAServiceThatIsNotThere(t *testing.T) {
	l := &Looker{Resolver: nameServer(t, "shop.test. A 127.0.0.9", "shop.test. NS ns.shop.test."), Timeout: 3 * time.Second}
	gone := l.Service(t.Context(), "no.such.name.invalid")
	now := time.Now()
	findings := Judge([]Facts{gone}, []Facts{sound("c1", "198.51.100.1", 64501)}, goodPolicy(), now)
	if Worst(findings) != Bad || findings[0].Subject != "no.such.name.invalid" || !strings.Contains(findings[0].Text, "nothing can be compared") {
		t.Errorf("findings %v", findings)
	}
	for _, f := range findings {
		if f.Severity == Good && strings.Contains(f.Text, "shares nothing") {
			t.Errorf("%v, and nothing was compared", f)
		}
	}
}
