package sweep

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/report"
)

// Sweeper sweeps a fleet. The goroutine that calls [Sweeper.Run] judges, and workers make
// the attempts.
type Sweeper struct {
	o        Options
	topology *heatmap.Topology
	mine     []int32         // indices of the servers of this share
	step     int             // between two servers in a round
	held     []atomic.Uint32 // by index in the topology, see record; only Run's goroutine writes
	metrics  *metrics
	outbox   outbox
	round    int // number of the present one; while there is none, of the next
	running  atomic.Bool
}

// New validates the options. Servers that the map knows to be up or down already are so until
// attempts say otherwise. Nothing is sent before [Sweeper.Run].
func New(o Options) (*Sweeper, error) {
	o.fill()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	s := &Sweeper{o: o, topology: o.Map.Topology()}
	s.held = make([]atomic.Uint32, s.topology.Len())
	hash := fnv.New32a()
	for i := range s.topology.Len() {
		server := s.topology.Server(i)
		hash.Reset()
		_, _ = hash.Write([]byte(server.Name)) // a hash takes everything
		if server.Address == "" || !o.Share.has(hash.Sum32()) {
			continue
		}
		s.mine = append(s.mine, int32(i))
		state, _ := o.Map.State(i)
		s.held[i].Store(record{state: state}.pack())
	}
	s.step = coprime(int(float64(len(s.mine))*(math.Phi-1)), len(s.mine))
	s.outbox = outbox{o: &s.o, topology: s.topology}
	var err error
	if s.metrics, err = newMetrics(o.Metrics); err != nil {
		return nil, err
	}
	return s, nil
}

// Len returns how many servers are swept.
func (s *Sweeper) Len() int { return len(s.mine) }

// errRunning is the error of a second Run.
var errRunning = errors.New("sweep: runs already")

// Run sweeps until ctx ends. Then it cancels the attempts in flight, waits for them and returns
// nil. It is an error to call Run while another call is running.
func (s *Sweeper) Run(ctx context.Context) error {
	if !s.running.CompareAndSwap(false, true) {
		return errRunning
	}
	defer s.running.Store(false)
	for ctx.Err() == nil {
		began := time.Now()
		s.Round(ctx)
		sleep(ctx, time.Until(began.Add(s.o.Round)))
	}
	return nil
}

// Round makes one round and returns when every server that it contradicts is decided, or ctx ends.
// It must not be called while Run works.
func (s *Sweeper) Round(ctx context.Context) {
	began := time.Now()
	again := s.pass(ctx, len(s.mine), s.shuffled)
	for tries := 0; len(again) > 0 && tries < max(s.o.DownAfter, s.o.UpAfter) && ctx.Err() == nil; tries++ {
		if tries > 0 { // the first failure is confirmed at once
			sleep(ctx, s.o.RetryInterval)
		}
		open := again
		again = s.pass(ctx, len(open), func(k int) int32 { return open[k] })
	}
	s.outbox.flush(time.Now())
	if ctx.Err() == nil {
		s.round++
		s.metrics.round(time.Since(began))
	}
}

// shuffled returns the server that is the k-th of a round. Steps of the golden section put
// neighbours far apart, and each round begins elsewhere.
func (s *Sweeper) shuffled(k int) int32 {
	return s.mine[(k*s.step+s.round*7919)%len(s.mine)]
}

// coprime returns the least number from a on, at least 1, that has no divisor in common with n.
func coprime(a, n int) int {
	for a = max(a, 1); n > 1 && gcd(a, n) != 1; a++ {
	}
	return a
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// finding is an attempt that may change what is held of a server, or is to be delivered.
type finding struct {
	server  int32
	started time.Time
	result  probe.Result
	err     error
}

// failed reports whether the attempt speaks against the server.
func (f *finding) failed() bool { return f.err == nil && f.result.Outcome.Failed() }

// attempt probes a server and returns what there is to judge, or nil if the server is as it was.
func (s *Sweeper) attempt(ctx context.Context, i int32) *finding {
	f := &finding{server: i, started: time.Now()}
	f.result, f.err = s.probe(ctx, i)
	if f.failed() {
		f.err = s.o.Doubt(ctx, &f.result)
	}
	s.metrics.attempt(f)
	held := unpack(s.held[i].Load())
	if f.err == nil && !f.failed() && held == (record{state: heatmap.Up}) && !s.outbox.reminds(i, s.round) {
		return nil
	}
	return f
}

// probe makes one attempt with a timeout. A panic of the probe is an error.
func (s *Sweeper) probe(ctx context.Context, i int32) (r probe.Result, err error) {
	defer func() {
		if recover() != nil {
			r, err = probe.Result{}, errors.New("the probe panicked")
		}
	}()
	f, err := s.o.Spec(s.topology.Server(int(i))).Probe(s.o.Env)
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	if r, err = f(ctx); err == nil && !r.Outcome.Valid() {
		r.Outcome = report.Unknown
	}
	return r, err
}

// workers run attempts until jobs is closed. The caller waits for group.
func (s *Sweeper) workers(ctx context.Context, n int, jobs <-chan []int32, found chan<- *finding, group *sync.WaitGroup) {
	for range n {
		group.Go(func() {
			for batch := range jobs {
				for _, i := range batch {
					if ctx.Err() != nil {
						break
					}
					if f := s.attempt(ctx, i); f != nil && ctx.Err() == nil {
						found <- f
					}
				}
			}
		})
	}
}
