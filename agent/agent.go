package agent

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"io"
	"maps"
	mathrand "math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/heliograph-net/heliograph/report"
)

// Agent observes, seals, keeps and delivers. Its methods are safe for concurrent use.
//
// Locks are taken in the order consentMu, pass, spoolMu, mu; eventMu may be taken under
// any of them.
type Agent struct {
	o       Options        // with defaults filled in; does not change
	bundled *checkedPolicy // does not change

	// level is the consent in force: the user's, lowered by the policy, Off once shut down. It is
	// written under mu and read without, so that an Observe that has nothing to do costs nothing.
	level atomic.Uint32

	mu      sync.Mutex
	user    report.Consent // what the user allows
	since   time.Time      // when the user first allowed anything
	closed  bool           // Shutdown was called
	policy  *checkedPolicy // in force
	window  *window        // open; never nil
	tallies []tally        // that were handed over and are not sealed yet
	probes  []probes       // likewise
	drops   map[string]uint64
	stats   Stats
	// of this agent's segments, with a monotonic reading that file names lack
	births  map[report.BatchID]time.Time
	rand    *mathrand.Rand
	consent context.Context    // done when consent is withdrawn: uploads stop at once
	revoke  context.CancelFunc // ends consent

	spoolMu sync.Mutex // held while segments and state are written
	segment *openSegment
	token   client
	// of this agent's segments that no collector has yet
	summaries map[report.BatchID]*summary
	// the spool holds what consent was withdrawn for, because it could not be deleted
	unpurged bool
	unsaved  []client // under whose tokens something was sent, which the spool could not note
	chain    policyChain

	// pass, a channel of capacity 1, is held by sending to it, while segments are delivered and
	// policies fetched: by one goroutine at a time, with a context. It owns the fields below.
	pass          chan struct{}
	collectors    map[string]*collector
	uploads       map[report.BatchID]*upload
	uploadDay     int64
	uploadedBytes uint64 // on uploadDay
	etag          string // of the policy in force
	refreshAt     time.Time
	policyBackoff *backoff.ExponentialBackOff

	consentMu sync.Mutex // one SetConsent at a time
	eventMu   sync.Mutex // one OnEvent at a time

	opened   chan struct{} // capacity 1: a window has begun, or a tally was handed over
	kicked   chan struct{} // capacity 1: there is something to deliver
	stopping chan struct{} // closed by Shutdown
	loops    sync.WaitGroup
	ctx      context.Context // of the loops' transfers
	cancel   context.CancelFunc

	stopOnce  sync.Once
	stopped   chan struct{} // closed at the end of Shutdown
	remaining error         // what Shutdown returns; written before stopped is closed
}

// New starts an agent. It reads the spool's state but neither connects nor waits. The error joins
// every fault of o, or says why the policy cannot be used (policy.ErrSignature,
// privacy.ErrMalformed, …). The caller must call Shutdown.
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
	a := &Agent{
		o: o, bundled: bundled, policy: bundled, rand: rng,
		drops: make(map[string]uint64), births: make(map[report.BatchID]time.Time),
		summaries:  make(map[report.BatchID]*summary),
		stats:      Stats{Dropped: make(map[string]uint64)},
		pass:       make(chan struct{}, 1),
		collectors: make(map[string]*collector), uploads: make(map[report.BatchID]*upload),
		policyBackoff: newBackoff(policyRetry, policyRetryMax),
		opened:        make(chan struct{}, 1), kicked: make(chan struct{}, 1),
		stopping: make(chan struct{}), stopped: make(chan struct{}),
	}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	a.consent, a.revoke = context.WithCancel(a.ctx)
	a.window = newWindow(bundled.Policy, 0)
	if o.Consent == report.Off {
		a.withdrawn()
	} else {
		a.allow(o.Consent, false)
	}
	a.loops.Go(a.recordLoop)
	a.loops.Go(a.deliverLoop)
	return a, nil
}

// policyError says that the bundled policy cannot be used.
type policyError struct{ err error }

func (e *policyError) Error() string { return "Policy: " + e.err.Error() }
func (e *policyError) Unwrap() error { return e.err }

// newRand returns a generator for jitter and sampling, which need speed rather than secrecy.
func newRand(source io.Reader) (*mathrand.Rand, error) {
	var seed [16]byte
	if _, err := io.ReadFull(source, seed[:]); err != nil {
		return nil, err
	}
	return mathrand.New(mathrand.NewPCG(binary.BigEndian.Uint64(seed[:8]), binary.BigEndian.Uint64(seed[8:]))), nil
}

// uniform returns a random duration in [0, d).
func (a *Agent) uniform(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Duration(a.rand.Int64N(int64(d)))
}

// Stats tells what the agent has done since New.
func (a *Agent) Stats() Stats {
	defer a.caught()
	a.mu.Lock()
	s := a.stats
	s.Dropped = maps.Clone(a.stats.Dropped)
	s.Consent = report.Consent(a.level.Load())
	s.PolicyVersion = a.policy.Version
	a.mu.Unlock()
	s.Pending, s.PendingBytes = a.o.Spool.Usage()
	return s
}

// emit tells OnEvent, whose panics stay here.
func (a *Agent) emit(e Event) {
	if a.o.OnEvent == nil {
		return
	}
	a.eventMu.Lock()
	defer a.eventMu.Unlock()
	defer func() { _ = recover() }()
	a.o.OnEvent(e)
}

// caught is deferred wherever the agent is entered, from the host or by a goroutine of its own: no
// panic gets out.
func (a *Agent) caught() {
	r := recover()
	if r == nil {
		return
	}
	a.mu.Lock()
	a.stats.Panics++
	a.mu.Unlock()
	a.emit(Event{Kind: EventPanic, Err: &panicError{r}})
}

// panicError is a panic of the agent's own.
type panicError struct{ value any }

func (e *panicError) Error() string {
	switch v := e.value.(type) {
	case error:
		return "panic in the agent: " + v.Error()
	case string:
		return "panic in the agent: " + v
	default:
		return "panic in the agent"
	}
}
