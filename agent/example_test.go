//go:build !js && !wasip1

package agent_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/receipt"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// An application brings the operator's policy and the user's consent, and sends its requests
// through the agent.
func Example() {
	// in earnest: go:embed the policy, and a directory of the application's own
	policy, dir, closeCollector := operator()
	defer closeCollector()

	spool, err := diskspool.Open(dir, diskspool.Options{})
	if err != nil {
		log.Fatal(err)
	}
	a, err := agent.New(agent.Options{
		// what the user chose; zero is off
		App: "shop", Version: "1.4.2", Policy: policy, Consent: report.Counts,
		Spool: spool, Transport: httpagent.NewTransport(httpagent.TransportOptions{}),
	})
	if err != nil {
		log.Fatal(err)
	}
	client := &http.Client{Transport: httpagent.Wrap(a, nil)}

	_, err = client.Get("http://127.0.0.1:9/cart?item=7")
	fmt.Println("the request:", httpagent.Classify(context.Background(), err))

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := a.Shutdown(ctx); err != nil {
		fmt.Println(err) // what remains is delivered by the next run
	}
	fmt.Println("segments delivered:", a.Stats().Delivered)
	// Output:
	// the request: tcp.refused
	// segments delivered: 1
}

// Consent can change at any time. Off deletes what was kept, before SetConsent returns.
func ExampleAgent_SetConsent() {
	policy, dir, closeCollector := operator()
	defer closeCollector()
	spool, _ := diskspool.Open(dir, diskspool.Options{})
	a, err := agent.New(agent.Options{
		App: "shop", Policy: policy, Spool: spool, Transport: httpagent.NewTransport(httpagent.TransportOptions{}),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer a.Shutdown(context.Background())
	refused := agent.Observation{Scheme: "https", Host: "shop.example", Outcome: report.TCPRefused}

	a.Observe(refused)
	fmt.Println("without consent:", a.Stats().Observed)
	a.SetConsent(report.Diagnostics)
	a.Observe(refused)
	fmt.Println("with consent:", a.Stats().Observed)
	a.SetConsent(report.Off)
	a.Observe(refused)
	fmt.Println("after it was withdrawn:", a.Stats().Observed, "counted,", a.Stats().Pending, "kept")
	// Output:
	// without consent: 0
	// with consent: 1
	// after it was withdrawn: 1 counted, 0 kept
}

// operator stands for the other side: a collector on loopback, a policy that names it, and a fresh
// spool directory.
func operator() (signed []byte, dir string, done func()) {
	seed := make([]byte, ed25519.SeedSize)
	key := ed25519.NewKeyFromSeed(seed)
	open, err := seal.GenerateOpenKey()
	if err != nil {
		log.Fatal(err)
	}
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		segment, _ := io.ReadAll(r.Body)
		id, _ := report.ParseBatchID(r.Header.Get(protocol.HeaderBatch))
		receipts, err := receipt.Sign(key, []receipt.Statement{{Batch: id, Body: sha256.Sum256(segment), Decision: receipt.Stored}})
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write(receipts[0])
	}))
	signed, err = policy.Sign(&policy.Policy{
		Version: 1, Issued: time.Now().Unix(), Expires: time.Now().AddDate(1, 0, 0).Unix(), MaxConsent: report.Diagnostics,
		SealKey:    open.SealKey().Bytes(),
		Collectors: []policy.Collector{{ID: "c1", URL: collector.URL, ReceiptKey: key.Public().(ed25519.PublicKey)}},
		Signers:    [][]byte{key.Public().(ed25519.PublicKey)},
	}, key)
	if err != nil {
		log.Fatal(err)
	}
	home, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	return signed, filepath.Join(home, "spool"), func() {
		collector.Close()
		_ = os.RemoveAll(home)
	}
}
