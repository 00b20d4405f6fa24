package demo

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

const (
	clientsPerNetwork = 30
	requestEvery      = time.Second // on average, per client
)

// crowd is the clients. Each is an application with its own agent, source address and spool.
type crowd struct {
	clients []*client
	wg      sync.WaitGroup
	stop    context.CancelFunc

	// as seen by the applications, to compare with the store
	requests, failures atomic.Uint64

	mu        sync.Mutex
	delivered map[report.BatchID]int // guarded by mu; how often agents counted a batch as delivered
}

type client struct {
	agent *agent.Agent
	http  *http.Client
	rand  *rand.Rand
}

type crowdOptions struct {
	Dir        string // of the spools
	Policy     []byte // signed
	URL        string // of the service
	NameServer string
	Service    *x509.CertPool // authority of the service
	Collectors *x509.CertPool // authority of the collectors
	Seed       uint64
}

// startCrowd makes the clients and starts them. If it fails, it shuts down those that it has made.
func startCrowd(o crowdOptions) (c *crowd, err error) {
	ctx, stop := context.WithCancel(context.Background())
	c = &crowd{stop: stop, delivered: map[report.BatchID]int{}}
	defer func() {
		if err != nil {
			_ = c.Shutdown(ctx)
		}
	}()
	for k, n := range networks {
		for i := range clientsPerNetwork {
			cl, err := c.newClient(o, n, k, i)
			if err != nil {
				return c, fmt.Errorf("client %d of AS%d: %w", i, n.ASN, err)
			}
			c.clients = append(c.clients, cl)
		}
	}
	for _, cl := range c.clients {
		c.wg.Go(func() { c.work(ctx, cl, o.URL) })
	}
	return c, nil
}

func (c *crowd) newClient(o crowdOptions, n network, k, i int) (*client, error) {
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: n.client(i).AsSlice()}, Timeout: 3 * time.Second}
	resolve := &net.Dialer{Timeout: 2 * time.Second}
	from.Resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		d := *resolve
		if network == "udp" {
			d.LocalAddr = &net.UDPAddr{IP: n.client(i).AsSlice()}
		} else {
			d.LocalAddr = from.LocalAddr
		}
		return d.DialContext(ctx, network, o.NameServer)
	}}
	spool, err := diskspool.Open(filepath.Join(o.Dir, fmt.Sprintf("as%d-%d", n.ASN, i)), diskspool.Options{})
	if err != nil {
		return nil, err
	}
	consent := report.Counts
	if i%5 == 0 { // some users allow samples too
		consent = report.Diagnostics
	}
	a, err := agent.New(agent.Options{
		App: "shop", Version: "1.4.2", Policy: o.Policy, Consent: consent, Spool: spool, OnEvent: c.note,
		Transport: httpagent.NewTransport(httpagent.TransportOptions{RootCAs: o.Collectors, LocalAddr: n.client(i)}),
	})
	if err != nil {
		return nil, err
	}
	return &client{agent: a, rand: rand.New(rand.NewPCG(o.Seed, uint64(k*1000+i))), http: &http.Client{
		Timeout: 8 * time.Second,
		Transport: httpagent.Wrap(a, &http.Transport{
			DialContext: from.DialContext,
			// every request resolves, connects and shakes hands, so more can fail
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{RootCAs: o.Service},
		}),
	}}, nil
}

// work requests pages until ctx ends. It finishes the request in flight.
func (c *crowd) work(ctx context.Context, cl *client, base string) {
	paths := []string{"/", "/cart?session=c2VjcmV0", "/item/48151623", "/search?q=lamp", "/account/orders"}
	pause := time.NewTimer(time.Duration(cl.rand.Int64N(int64(requestEvery))))
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		resp, err := cl.http.Get(base + paths[cl.rand.IntN(len(paths))])
		c.requests.Add(1)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode >= 400 {
				err = errors.New(resp.Status)
			}
		}
		if err != nil {
			c.failures.Add(1)
		}
		pause.Reset(requestEvery/2 + time.Duration(cl.rand.Int64N(int64(requestEvery))))
	}
}

func (c *crowd) note(e agent.Event) {
	if e.Kind == agent.EventDelivered {
		c.mu.Lock()
		c.delivered[e.Batch]++
		c.mu.Unlock()
	}
}

// StopRequests stops the applications and waits for them. The agents go on.
func (c *crowd) StopRequests() {
	c.stop()
	c.wg.Wait()
}

// Drain makes every agent deliver all that it has, until ctx ends.
func (c *crowd) Drain(ctx context.Context) error {
	for _, cl := range c.clients {
		for {
			err := cl.agent.Flush(ctx)
			if err == nil {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("an agent could not deliver all: %w", err)
			case <-time.After(200 * time.Millisecond):
			}
		}
	}
	return nil
}

// Delivered returns how often agents counted each batch as delivered, and how many requests
// they lost.
func (c *crowd) Delivered() (batches map[report.BatchID]int, dropped uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	batches = make(map[report.BatchID]int, len(c.delivered))
	maps.Copy(batches, c.delivered)
	for _, cl := range c.clients {
		for _, n := range cl.agent.Stats().Dropped {
			dropped += n
		}
	}
	return batches, dropped
}

// Shutdown stops the applications and their agents.
func (c *crowd) Shutdown(ctx context.Context) error {
	c.StopRequests()
	var wg sync.WaitGroup
	errs := make([]error, len(c.clients))
	for i, cl := range c.clients {
		wg.Go(func() { errs[i] = cl.agent.Shutdown(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
