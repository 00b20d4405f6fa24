package agent

import (
	"crypto/rand"
	"encoding/binary"
	"io"
	mathrand "math/rand/v2"
	"runtime"
	"sync"

	"github.com/heliograph-net/heliograph/report"
)

// Agent counts requests, and seals, stores and delivers the counts. Make one with [New]. Its
// methods are safe for concurrent use.
//
// A nil *Agent and the zero value are agents that are off: their methods do nothing, and
// httpagent.Wrap and slogagent.New accept them. So an application can continue with nil if
// New fails.
type Agent struct {
	// The agent is a shell around four parts, each with one lock. The consent says what may be
	// done, the recorder counts, the spooler seals records and writes them to the spool, and the
	// courier delivers the spool's segments.
	//
	// Locks are taken in the order courier, spooler, consent, recorder. Code that holds one may
	// take only later ones. Any of them may be held while an event is reported; the lock of events
	// comes last.
	recorder recorder
	consent  consent
	spooler  spooler
	courier  courier
	events   events

	loops    sync.WaitGroup
	stopping chan struct{} // closed by Shutdown: the loops end

	stopOnce  sync.Once
	stopped   chan struct{} // closed at the end of Shutdown
	remaining error         // what Shutdown returns; written before stopped is closed
}

// New starts an agent. It reads the spool's state but neither connects nor waits. The error names
// all faults of o, or says why the policy cannot be used (policy.ErrSignature, privacy.ErrMalformed
// and others). The caller must call [Agent.Shutdown].
func New(o Options) (*Agent, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if o.OS == "" {
		o.OS = runtime.GOOS
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	bundled, err := openBundled(o.Policy)
	if err != nil {
		return nil, &policyError{err}
	}
	rng, err := newRand(o.Rand)
	if err != nil {
		return nil, err
	}
	a := &Agent{stopping: make(chan struct{}), stopped: make(chan struct{})}
	a.events.hear = o.OnEvent
	a.recorder.init(rng, bundled, &a.events)
	a.consent.init(bundled, &a.recorder)
	a.spooler.init(o, bundled, &a.consent, &a.recorder)
	a.courier.init(o, fork(rng), &a.spooler, &a.events)
	a.spooler.start(o.Consent)
	jitter := fork(rng)
	a.loops.Go(func() { a.spooler.loop(a.stopping) })
	a.loops.Go(func() { a.courier.loop(a.stopping, jitter) })
	return a, nil
}

// policyError says that the bundled policy cannot be used.
type policyError struct{ err error }

func (e *policyError) Error() string { return "Policy: " + e.err.Error() }
func (e *policyError) Unwrap() error { return e.err }

// newRand returns a generator for jitter and sampling, which need not be unpredictable.
func newRand(source io.Reader) (*mathrand.Rand, error) {
	var seed [16]byte
	if _, err := io.ReadFull(source, seed[:]); err != nil {
		return nil, err
	}
	return mathrand.New(mathrand.NewPCG(binary.BigEndian.Uint64(seed[:8]), binary.BigEndian.Uint64(seed[8:]))), nil
}

// fork returns a generator of its own for another goroutine.
func fork(rng *mathrand.Rand) *mathrand.Rand {
	return mathrand.New(mathrand.NewPCG(rng.Uint64(), rng.Uint64()))
}

// SetConsent sets what the user allows from now on. An unknown level means Off. Off ends recording
// at once, stops transfers and deletes the spool before SetConsent returns. If anything was sent
// before, one deletion notice ([report.DeletionNotice]) stays in the spool and is the last thing
// that is sent. Data from before a consent is never sent: a change to Off discards the open window,
// a change to Counts discards its samples, and requests that began before the consent are not
// recorded. If an earlier run's spool cannot be deleted, the consent stays Off (see [Stats]),
// because its contents must not be sent.
func (a *Agent) SetConsent(c report.Consent) {
	if a.absent() {
		return
	}
	defer a.events.caught()
	switch {
	case c == report.Off, c > report.Diagnostics:
		a.consent.withdraw() // at once, for the spooler waits for the disk
		a.spooler.withdraw()
	case a.consent.change(c): // between two levels, which concerns the open window only
	default:
		a.spooler.grant(c)
	}
}

// Stats returns the agent's totals since [New].
func (a *Agent) Stats() Stats {
	if a.absent() {
		return Stats{}
	}
	defer a.events.caught()
	s := a.recorder.stats()
	s.PolicyVersion = a.consent.inForce().Version
	s.Sealed = a.spooler.sealed.Load()
	s.Attempts = a.courier.attempts.Load()
	s.Delivered, s.DeliveredBytes = a.courier.delivered.Load(), a.courier.deliveredBytes.Load()
	s.Panics = a.events.panics.Load()
	s.Pending, s.PendingBytes = a.spooler.spool.Usage()
	return s
}

// Sent returns what left this device and where it went, the oldest first. It covers what collectors
// have confirmed in the last 30 days, up to 64 KiB. Withdrawing consent deletes this log. Sent
// reads the spool and may be called at any time.
func (a *Agent) Sent() ([]SentReport, error) {
	if a.absent() {
		return nil, nil
	}
	all, err := ReadSent(a.spooler.spool)
	return append(all, a.spooler.spool.sentHere()...), err
}

// absent reports whether there is no agent: a is nil, or New did not make it.
func (a *Agent) absent() bool { return a == nil || a.stopped == nil }
