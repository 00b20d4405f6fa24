package client

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// key is a signing key for this run. There is nothing to keep secret.
func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

// signedPolicy is an operator's policy with one collector.
func signedPolicy(seal *seal.Key, collectorURL string, change func(*policy.Policy)) ([]byte, error) {
	p := policy.Policy{
		Version: 1, Issued: time.Now().Add(-time.Hour).Unix(), Expires: time.Now().Add(24 * time.Hour).Unix(),
		MaxConsent: report.Diagnostics, SealKey: seal.Bytes(), BytesPerDay: 1 << 40,
		Signers:    [][]byte{key(1).Public().(ed25519.PublicKey)},
		Collectors: []policy.Collector{{ID: "c1", URL: collectorURL, Weight: 1, ReceiptKey: key(2).Public().(ed25519.PublicKey)}},
	}
	if change != nil {
		change(&p)
	}
	return policy.Sign(&p, key(1))
}

// newAgent starts an agent as applications have it, with a spool on disk, that reaches
// no collector.
func newAgent(b *testing.B, change func(*policy.Policy)) *agent.Agent {
	b.Helper()
	spool, err := diskspool.Open(b.TempDir(), diskspool.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return startAgent(b, spool, change)
}

func startAgent(b *testing.B, spool agent.Spool, change func(*policy.Policy)) *agent.Agent {
	b.Helper()
	open, err := seal.GenerateOpenKey()
	if err != nil {
		b.Fatal(err)
	}
	policy, err := signedPolicy(open.SealKey(), "https://collector.example", change)
	if err != nil {
		b.Fatal(err)
	}
	a, err := agent.New(agent.Options{
		App: "shop", Version: "1.2", Policy: policy, Consent: report.Diagnostics, Spool: spool, Transport: unreachable{},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		_ = a.Shutdown(ended) // what it leaves in the spool is deleted with the directory
		if n := a.Stats().Panics; n != 0 {
			b.Errorf("the agent panicked %d times", n)
		}
	})
	return a
}

// unreachable is a Transport without a network.
type unreachable struct{}

var errUnreachable = errors.New("network is unreachable")

func (unreachable) Deliver(context.Context, policy.Collector, report.BatchID, []byte, []byte) agent.Response {
	return agent.Response{Outcome: report.TCPAddressUnreachable, Err: errUnreachable}
}

func (unreachable) FetchPolicy(context.Context, policy.Collector, string) agent.Response {
	return agent.Response{Outcome: report.TCPAddressUnreachable, Err: errUnreachable}
}

func (unreachable) Close() {}

// nowhere is a Spool that takes everything and keeps nothing, to leave the disk's noise out of a
// measurement of the CPU.
type nowhere struct{}

func (nowhere) Begin(time.Time, report.BatchID, []byte) (agent.SegmentWriter, error) {
	return nowhere{}, nil
}
func (nowhere) Append([]byte) error                                        { return nil }
func (nowhere) Close() error                                               { return nil }
func (nowhere) List() ([]agent.Segment, error)                             { return nil, nil }
func (nowhere) Read(report.BatchID) ([]byte, error)                        { return nil, agent.ErrNoSegment }
func (nowhere) Remove(report.BatchID) error                                { return nil }
func (nowhere) LockUpload() (func(), error)                                { return func() {}, nil }
func (nowhere) TakeDrops() []report.Drop                                   { return nil }
func (nowhere) State(_ string, update func([]byte) []byte) ([]byte, error) { return update(nil), nil }
func (nowhere) Usage() (int, int64)                                        { return 0, 0 }
func (nowhere) Purge() error                                               { return nil }
