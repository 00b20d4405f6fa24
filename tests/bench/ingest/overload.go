package ingest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/heliograph-net/heliograph/tests/bench/measure"
)

// Overload is more than a collector can take: so many agents, each of which wants to upload at
// times of its own, whatever came of the upload before. Together they want Factor times as much as
// 64 connections get through.
type Overload struct {
	Agents   int           // with a connection each
	Factor   float64       // of the capacity
	Measure  time.Duration // for the capacity
	Duration time.Duration // of the overload
	Patience time.Duration // for an answer: an agent hangs up after that
	// agents stay away for as long as a slow-down says; else they do not care
	Heed bool
}

// OverloadResult is what a collector did. All rates are per second.
type OverloadResult struct {
	// what 64 connections, each sending one upload after another, got through before
	Capacity float64
	// uploads that agents wanted to send, those included that they had no time for
	Wanted      float64
	Sent        float64       // uploads begun
	Goodput     float64       // uploads with a receipt that says stored, in time
	Shed        float64       // uploads answered by a slow-down
	Lost        float64       // without an answer in time
	P99         time.Duration // of the receipts
	EarlyMemory int64         // most bytes resident in the first fifth of the overload
	Memory      int64         // most bytes resident after that
	CPU         float64       // cores that the collector used during the overload
	LoadCPU     float64       // cores that the agents used
}

// loadNiceness leaves the collector first choice of the cores: what is measured is the collector,
// and agents have cores of their own.
const loadNiceness = 10

// RunOverload measures a collector's capacity and puts the overload on it, in a fresh directory
// below base. This process is niced for good.
func RunOverload(ctx context.Context, base string, o Overload) (r OverloadResult, err error) {
	dir, err := os.MkdirTemp(base, "overload-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	s := Subject{Server: Heliograph, Counters: 1}
	payload, check, err := s.payload()
	if err != nil {
		return r, err
	}
	cmd, err := s.command(ctx, dir)
	if err != nil {
		return r, err
	}
	c, err := startChild(ctx, cmd)
	if err != nil {
		return r, err
	}
	err = r.under(ctx, c, payload, check, o)
	return r, errors.Join(err, c.stop())
}

func (r *OverloadResult) under(ctx context.Context, c *child, p *Payload, check func([]byte) error, o Overload) error {
	if err := beNice(loadNiceness); err != nil {
		return err
	}
	before, err := Load{Warm: time.Second, Duration: o.Measure}.apply(ctx, c.addr, p, check)
	if err != nil {
		return err
	}
	r.Capacity = before.PerSecond
	crowd := make([]*agent, o.Agents)
	interval := time.Duration(float64(o.Agents) / (o.Factor * r.Capacity) * float64(time.Second))
	var wg sync.WaitGroup
	memory := watchMemory(c, o.Duration)
	cpu, loadCPU, start := c.cpu(), measure.CPU(), time.Now()
	ctx, cancel := context.WithDeadline(ctx, start.Add(o.Duration))
	defer cancel()
	var checked atomic.Int64
	for i := range crowd {
		a := &agent{Overload: o, addr: c.addr, payload: p, interval: interval, next: start.Add(interval * time.Duration(i) / time.Duration(o.Agents)),
			rng: rand.New(rand.NewPCG(uint64(i), uint64(start.UnixNano())))}
		a.check = func(body []byte) error {
			if checked.Add(1)%checkEvery == 0 {
				return check(body)
			}
			return nil
		}
		crowd[i] = a
		wg.Go(func() { a.run(ctx) })
	}
	wg.Wait()
	seconds := time.Since(start).Seconds()
	r.EarlyMemory, r.Memory = memory()
	r.CPU, r.LoadCPU = (c.cpu()-cpu).Seconds()/seconds, (measure.CPU()-loadCPU).Seconds()/seconds
	return r.sum(crowd, seconds)
}

func (r *OverloadResult) sum(crowd []*agent, seconds float64) error {
	var errs []error
	var took []time.Duration
	for _, a := range crowd {
		r.Wanted += float64(a.wanted) / seconds
		r.Sent += float64(a.sent) / seconds
		r.Shed += float64(a.shed) / seconds
		r.Lost += float64(a.lost) / seconds
		took = append(took, a.took...)
		errs = append(errs, a.err)
	}
	r.Goodput = float64(len(took)) / seconds
	if len(took) > 0 {
		r.P99 = percentile(took, 99)
	}
	return errors.Join(errs...)
}

// agent uploads over a connection of its own.
type agent struct {
	Overload
	addr     string
	payload  *Payload
	check    func([]byte) error
	rng      *rand.Rand
	interval time.Duration
	next     time.Time // when it wants to upload

	conn   net.Conn
	in     *bufio.Reader
	answer answer
	buffer []byte

	wanted, sent, shed, lost int
	took                     []time.Duration // of uploads that were stored
	err                      error           // an answer that must not be
}

func (a *agent) run(ctx context.Context) {
	defer a.hangUp()
	for a.err == nil && sleepUntil(ctx, a.next) {
		a.wanted++
		a.sent++
		away, err := a.upload(ctx)
		if err != nil {
			a.hangUp()
			a.lost++
		}
		for a.next = a.next.Add(a.interval); time.Until(a.next) < 0; a.next = a.next.Add(a.interval) {
			a.wanted++ // had no time for it
		}
		if a.Heed && away > 0 {
			a.next = time.Now().Add(away)
		}
	}
}

func (a *agent) hangUp() {
	if a.conn != nil {
		_ = a.conn.Close()
		a.conn = nil
	}
}

// upload sends one batch and says for how long the collector wants the agent away. An error is that
// of a connection.
func (a *agent) upload(ctx context.Context) (away time.Duration, err error) {
	start := time.Now()
	if a.conn == nil {
		d := net.Dialer{Timeout: a.Patience}
		if a.conn, err = d.DialContext(ctx, "tcp", a.addr); err != nil {
			return 0, err
		}
		if a.in == nil {
			a.in = bufio.NewReaderSize(nil, 1<<10)
		}
		a.in.Reset(a.conn)
	}
	_ = a.conn.SetDeadline(start.Add(a.Patience))
	a.buffer = a.payload.append(a.buffer[:0], a.rng)
	if _, err := a.conn.Write(a.buffer); err != nil {
		return 0, err
	}
	if err := a.answer.read(a.in); err != nil {
		return 0, err
	}
	switch a.answer.status {
	case 202:
		a.took = append(a.took, time.Since(start))
		a.err = a.check(a.answer.body)
	case 503:
		a.shed++
	default:
		a.err = fmt.Errorf("answer %q: %q", a.answer.line, a.answer.body)
	}
	if a.answer.closes {
		a.hangUp()
	}
	return a.answer.retryAfter, nil
}

func sleepUntil(ctx context.Context, t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}

// beNice lowers the priority of all threads of this process, and so of those to come.
func beNice(niceness int) error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range threads {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if err := syscall.Setpriority(syscall.PRIO_PROCESS, tid, niceness); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("lowering the load's priority: %w", err)
		}
	}
	return nil
}
