// Package live delivers what simulated users report to real collectors, as their agents would: each
// report is sealed to the policy's key, posted as a batch from an address of its own, and delivered
// when the collector's receipt is verified. Start with [Run].
package live

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/simulate"
)

// Options are the options of [Run]. Scenario, Policy and Collectors are required.
type Options struct {
	Scenario *simulate.Scenario
	Seed     uint64
	Policy   *policy.Policy // reports are sealed to its key
	// Collectors are those that take the reports. The first one stands for the scenario's c1, the
	// second for c2, and so on. If there are too few, they are used in turn.
	Collectors []policy.Collector

	// Speed is how many simulated seconds pass in one, at least 1; 0 means as many as the
	// collectors take.
	Speed float64
	// Begin is called when the first report is due, with the real time of the scenario's start;
	// nil: nobody is told. Before that, the users of the scenario's start are brought in, which
	// takes a while if there are many.
	Begin func(start time.Time)

	RootCAs     *x509.CertPool // trusted authorities for collectors' certificates; nil: the system's
	Connections int            // to all collectors together. 0 means 64
	// Patience is how long a report is offered before it is given up. 0 means 10 minutes
	Patience time.Duration
	// Waiting is how many reports may wait to be offered again. When there are more, the simulated
	// time stands still. 0 means 20,000
	Waiting int
	// Dial connects to collectors; nil: the network
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

const (
	defaultConnections = 64
	defaultPatience    = 10 * time.Minute
	defaultWaiting     = 20_000
	maxConnections     = 4096
)

// past returns how long before the first report is sent a scenario has started: its end is to be
// when the last report is sent, so that no report is of the future. With a speed of 1 it starts
// then, and with a speed of 0 it ends then.
func past(duration time.Duration, speed float64) time.Duration {
	if speed == 0 {
		return duration
	}
	return time.Duration(float64(duration) * (1 - 1/speed))
}

// maxPast is how long ago a scenario may have started: detectors move older reports to this age.
const maxPast = report.MaxAge * time.Millisecond

func (o *Options) validate() error {
	if o.Connections == 0 {
		o.Connections = defaultConnections
	}
	if o.Patience == 0 {
		o.Patience = defaultPatience
	}
	if o.Waiting == 0 {
		o.Waiting = defaultWaiting
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{Timeout: connectTimeout}).DialContext
	}
	switch {
	case len(o.Collectors) == 0:
		return errors.New("there is no collector to deliver to")
	case o.Speed != 0 && !(o.Speed >= 1 && o.Speed <= 1e6):
		return fmt.Errorf("a speed of %v is not 0 or from 1 to 1000000", o.Speed)
	case o.Connections < 1 || o.Connections > maxConnections:
		return fmt.Errorf("%d connections are not from 1 to %d", o.Connections, maxConnections)
	case o.Patience < 0 || o.Waiting < 0:
		return errors.New("Patience and Waiting must not be negative")
	}
	if past := past(o.Scenario.Duration.Duration, o.Speed); past > maxPast {
		return fmt.Errorf("the scenario would have started %v ago, and reports are of the last %d days at most: shorten its duration or lower the speed",
			past.Round(time.Minute), maxPast/(24*time.Hour))
	}
	if o.Policy.Effective(report.Counts, time.Now()) == report.Off {
		return errors.New("the policy has agents report nothing: it is disabled, or its max_consent is off")
	}
	return simulate.CheckAddresses(o.Scenario, o.Seed)
}

// Simulation is a scenario that is being delivered. Make one with [New].
type Simulation struct {
	o       Options
	key     *seal.Key
	slow    bool // requests of the scenario may be slow
	targets []*target
	counts  counts

	jobs    chan *batch    // that were not offered yet
	again   chan *batch    // that are due to be offered again
	waiting chan struct{}  // a place for each batch that waits for that
	unsent  sync.WaitGroup // batches whose fate is open
	lag     lag
}

// New returns a Simulation, or an error that says what is wrong with the options.
func New(o Options) (*Simulation, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	key, err := seal.ParseKey(o.Policy.SealKey)
	if err != nil {
		return nil, fmt.Errorf("the policy: %w", err)
	}
	s := &Simulation{o: o, key: key, slow: o.Scenario.Slow(), jobs: make(chan *batch, 4*o.Connections), again: make(chan *batch), waiting: make(chan struct{}, o.Waiting)}
	for i := range o.Collectors {
		s.targets = append(s.targets, s.newTarget(&o.Collectors[i]))
	}
	return s, nil
}

// Run delivers until the scenario is over and the fate of every report is known, or ctx ends; then
// it returns the context's error. It may be called once.
func (s *Simulation) Run(ctx context.Context) error {
	for _, t := range s.targets {
		defer t.client.CloseIdleConnections()
		if err := t.greet(ctx, s.o.Policy); err != nil {
			return err
		}
	}
	defer s.counts.end()
	over := make(chan struct{})
	var working sync.WaitGroup
	for range s.o.Connections {
		working.Go(func() { s.work(ctx, over) })
	}
	err := simulate.Run(s.o.Scenario, s.o.Seed, &sink{Simulation: s, ctx: ctx, prober: newProber()})
	s.unsent.Wait() // ends soon after ctx
	close(over)
	working.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// work offers batches until over is closed.
func (s *Simulation) work(ctx context.Context, over <-chan struct{}) {
	for {
		select {
		case b := <-s.again:
			s.offer(ctx, b)
			continue
		default:
		}
		select {
		case b := <-s.again:
			s.offer(ctx, b)
		case b := <-s.jobs:
			s.offer(ctx, b)
		case <-over:
			return
		}
	}
}
