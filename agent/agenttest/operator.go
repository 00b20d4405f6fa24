package agenttest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// Operator is an operator with a detector's key, a policy and a collector named c1.
// [Operator.AddCollector] adds more. Its methods are safe for concurrent use.
type Operator struct {
	Answers // of all collectors

	open   *seal.OpenKey
	signer ed25519.PrivateKey

	mu         sync.Mutex
	policy     policy.Policy
	signed     []byte                // the signed policy
	collectors map[string]*collector // by id
	taken      map[report.BatchID][32]byte
	seen       Seen
	uploads    []Upload
	faults     []error
}

// collector is a collector of an Operator, whose mu guards it.
type collector struct {
	receipt ed25519.PrivateKey
	answer  answer           // the answer to uploads
	server  *httptest.Server // nil before Listen
}

const firstCollector = "c1"

// Collector is one of an [Operator]'s collectors.
type Collector struct {
	Answers
	ID string // in the policy
}

// Upload is one attempt of an agent to deliver a segment, whatever the answer was.
type Upload struct {
	At        time.Time
	Collector string // its id
	ID        report.BatchID
	Delivery  report.Delivery // age and path
	Bytes     int             // of the segment
}

// New returns an [Operator]. Its policy makes agents send every window, even those without a
// failure, so that tests do not depend on chance. New fails only if the system cannot generate
// keys. The caller must call [Operator.Close]. Tests usually call [For] instead.
func New() (*Operator, error) {
	open, err := seal.GenerateOpenKey()
	if err != nil {
		return nil, err
	}
	_, signer, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	o := &Operator{open: open, signer: signer, collectors: make(map[string]*collector), taken: make(map[report.BatchID][32]byte)}
	o.Answers.o = o
	now := time.Now()
	o.policy = policy.Policy{
		Issued: now.Unix(), Expires: now.AddDate(1, 0, 0).Unix(),
		MaxConsent: report.Diagnostics, SuccessPPM: report.FullPPM,
		SealKey: open.SealKey().Bytes(),
		Signers: [][]byte{signer.Public().(ed25519.PublicKey)},
	}
	if _, err := o.AddCollector(); err != nil {
		return nil, err
	}
	return o, nil
}

// AddCollector adds a collector to the policy. Agents try it after the existing ones. Collectors
// are named c1, c2 and so on. It returns an error if there are already [policy.MaxCollectors]. Call
// it before [Operator.Listen].
func (o *Operator) AddCollector() (*Collector, error) {
	_, receipt, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	n := len(o.collectors)
	id := "c" + strconv.Itoa(n+1)
	o.mu.Unlock()
	err = o.ChangePolicy(func(p *policy.Policy) {
		p.Collectors = append(p.Collectors, policy.Collector{
			ID: id, URL: "https://" + id + ".example", Priority: uint32(n), Weight: 1, ReceiptKey: receipt.Public().(ed25519.PublicKey),
		})
	})
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.collectors[id] = &collector{receipt: receipt}
	return o.Collector(id), nil
}

// Collector returns the collector with an id, to make it answer differently from the others.
func (o *Operator) Collector(id string) *Collector { return &Collector{Answers{o, id}, id} }

// For returns an [Operator] for one test. It is closed when the test ends. The test fails if an
// upload could not be opened.
func For(t testing.TB) *Operator {
	t.Helper()
	o, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		o.Close()
		if err := o.Err(); err != nil {
			t.Error(err)
		}
	})
	return o
}

// Close stops the servers of [Operator.Listen]. [Operator.Seen] still works afterwards.
func (o *Operator) Close() { o.hangUp() }

// Policy returns the signed policy in force, for [agent.Options].
func (o *Operator) Policy() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.signed)
}

// ChangePolicy changes the policy and signs it with the next version. Running agents fetch it at
// their next refresh (RefreshSeconds). If the change makes the policy invalid, ChangePolicy returns
// an error and the old policy stays in force.
func (o *Operator) ChangePolicy(change func(*policy.Policy)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	next := o.policy
	next.Collectors = slices.Clone(o.policy.Collectors)
	change(&next)
	next.Version = o.policy.Version + 1
	signed, err := policy.Sign(&next, o.signer)
	if err != nil {
		return err
	}
	o.policy, o.signed = next, signed
	return nil
}

// Options returns options for [agent.New], with the policy, a new [Spool] in memory, and the
// [Operator] as the Transport. A test can change them.
func (o *Operator) Options(consent report.Consent) agent.Options {
	return agent.Options{App: "test", Policy: o.Policy(), Consent: consent, Spool: NewSpool(), Transport: o.Transport()}
}

// Start starts an agent with [Operator.Options] and shuts it down when the test ends.
func (o *Operator) Start(t testing.TB, consent report.Consent) *agent.Agent {
	t.Helper()
	a, err := agent.New(o.Options(consent))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		_ = a.Shutdown(ended) // a test that needs the rest has called Flush
	})
	return a
}

// Err returns the faults of all uploads, joined: segments that could not be opened, and records
// that could not be decoded.
func (o *Operator) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return errors.Join(o.faults...)
}
