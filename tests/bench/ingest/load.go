package ingest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Load is offered by connections that each send one request after another.
type Load struct {
	Connections int           // 0: 64
	Warm        time.Duration // at first, not counted
	Duration    time.Duration // counted
	// of all connections, the warm ones too; more end the run. 0: 5,000,000
	MaxRequests int64
	Transport   Transport // "": Plain
}

// Figures are what a server did under a load.
type Figures struct {
	PerSecond float64       // requests answered well
	P50, P99  time.Duration // from a request's first byte sent to its answer's last
	Accepted  int64         // answered well, the warm ones too
}

// checkEvery says how many answers go by between two that are verified in full: a signature costs
// more than an upload.
const checkEvery = 1000

// apply puts the load on the server at addr. check, if not nil, judges one in checkEvery answers'
// bodies. Any answer that is not a 2xx ends the run with an error.
func (l Load) apply(ctx context.Context, addr string, p *Payload, check func([]byte) error) (Figures, error) {
	if l.Connections == 0 {
		l.Connections = 64
	}
	if l.MaxRequests == 0 {
		l.MaxRequests = 5_000_000
	}
	if l.Transport == "" {
		l.Transport = Plain
	}
	ctx, cancel := context.WithTimeout(ctx, l.Warm+l.Duration)
	defer cancel()
	var (
		wg      sync.WaitGroup
		sent    atomic.Int64
		clients = make([]*client, l.Connections)
		from    = time.Now().Add(l.Warm)
	)
	for i := range clients {
		c := &client{payload: p, check: check, from: from, dial: l.Transport.dialer(), once: l.Transport != Plain, rng: rand.New(rand.NewPCG(uint64(i), uint64(time.Now().UnixNano())))}
		clients[i] = c
		wg.Go(func() { c.err = c.run(ctx, addr, &sent, l.MaxRequests) })
	}
	wg.Wait()
	return sum(clients, time.Since(from))
}

func sum(clients []*client, counted time.Duration) (f Figures, err error) {
	var took []time.Duration
	for _, c := range clients {
		f.Accepted += c.accepted
		took = append(took, c.took...)
		err = errors.Join(err, c.err)
	}
	if err == nil && len(took) == 0 {
		err = errors.New("no request was answered")
	}
	if err != nil {
		return f, err
	}
	f.PerSecond = float64(len(took)) / counted.Seconds()
	f.P50, f.P99 = percentile(took, 50), percentile(took, 99)
	return f, nil
}

// percentile sorts took, which is not empty.
func percentile(took []time.Duration, n int) time.Duration {
	slices.Sort(took)
	return took[len(took)*n/100]
}

// client sends one request after another.
type client struct {
	payload  *Payload
	dial     func(ctx context.Context, addr string) (net.Conn, error)
	once     bool // each request has a connection of its own
	check    func([]byte) error
	from     time.Time // answers from then on are counted
	rng      *rand.Rand
	accepted int64
	took     []time.Duration
	answer   answer
	err      error
}

func (c *client) run(ctx context.Context, addr string, sent *atomic.Int64, most int64) error {
	var conn net.Conn
	defer func() {
		if conn != nil {
			_ = conn.Close()
		}
	}()
	r := bufio.NewReader(nil)
	var request []byte
	for ctx.Err() == nil && sent.Add(1) <= most {
		request = c.payload.append(request[:0], c.rng)
		start := time.Now()
		if conn == nil {
			var err error
			if conn, err = c.dial(context.WithoutCancel(ctx), addr); err != nil {
				return err
			}
			r.Reset(conn)
		}
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := conn.Write(request); err != nil {
			return err
		}
		if err := c.answered(r); err != nil {
			return err
		}
		if c.once {
			_ = conn.Close()
			conn = nil
		}
		if now := time.Now(); now.After(c.from) {
			c.took = append(c.took, now.Sub(start))
		}
		c.accepted++
	}
	return nil
}

// answered reads one answer and judges it.
func (c *client) answered(r *bufio.Reader) error {
	if err := c.answer.read(r); err != nil {
		return err
	}
	if c.answer.status/100 != 2 {
		return fmt.Errorf("answer %q: %q", c.answer.line, c.answer.body)
	}
	if c.check != nil && c.accepted%checkEvery == 0 {
		return c.check(c.answer.body)
	}
	return nil
}
