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

// Operator is an operator with a detector's key, a policy and a collector called c1; AddCollector
// makes more. Its methods are safe for concurrent use.
type Operator struct {
	Answers // of all collectors

	open   *seal.OpenKey
	signer ed25519.PrivateKey

	mu         sync.Mutex
	policy     policy.Policy
	signed     []byte                // policy, signed
	collectors map[string]*collector // by id
	taken      map[report.BatchID][32]byte
	seen       Seen
	uploads    []Upload
	faults     []error
}

// collector is one of an Operator's, whose mu owns it.
type collector struct {
	receipt ed25519.PrivateKey
	answer  answer           // how uploads are answered
	server  *httptest.Server // nil before Listen
}

const firstCollector = "c1"

// Collector is one of an [Operator]'s collectors.
type Collector struct {
	Answers
	ID string // in the policy
}

// Upload is one try of an agent to deliver a segment, whatever the answer was.
type Upload struct {
	At        time.Time
	Collector string // its id
	ID        report.BatchID
	Delivery  report.Delivery // age and path
	Bytes     int             // of the segment
}

// New returns an [Operator] whose policy sends every window, those without a failure too, so that
// tests do not depend on chance. The error is the system's, when it has no randomness for keys. The
// caller must call Close.
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

// AddCollector adds a collector to the policy, which agents try after those that are there already.
// They are called c1, c2, …; the error says that there are [policy.MaxCollectors]. Call it
// before [Operator.Listen].
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

// Collector returns the collector with an id, to have it answer otherwise than the others.
func (o *Operator) Collector(id string) *Collector { return &Collector{Answers{o, id}, id} }

// For returns an [Operator] for one test. It is closed when the test ends, and the test fails if
// anything came that could not be opened.
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

// Close ends what [Operator.Listen] began. What was seen stays.
func (o *Operator) Close() { o.hangUp() }

// Policy is the signed policy in force, for [agent.Options].
func (o *Operator) Policy() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.signed)
}

// ChangePolicy changes the policy and signs it under the next version. Agents that start afterwards
// can be given it, those that run fetch it at their next refresh (RefreshSeconds). The error names
// what is not allowed in a policy; the old one then stays.
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

// Options are ready for [agent.New]: the policy, a fresh [Spool] in memory, the [Operator] as the
// Transport. Change what the test is about.
func (o *Operator) Options(consent report.Consent) agent.Options {
	return agent.Options{App: "test", Policy: o.Policy(), Consent: consent, Spool: NewSpool(), Transport: o.Transport()}
}

// Start starts an agent with Options, and shuts it down when the test ends.
func (o *Operator) Start(t testing.TB, consent report.Consent) *agent.Agent {
	t.Helper()
	a, err := agent.New(o.Options(consent))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		_ = a.Shutdown(ended) // what the test wanted to see it has flushed
	})
	return a
}

// Err joins what was wrong with uploads: segments that cannot be opened, records that cannot
// be decoded.
func (o *Operator) Err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return errors.Join(o.faults...)
}
