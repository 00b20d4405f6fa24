// Package demo stages an outage on real sockets of this machine's loopback: a service with its name
// server, clients in five networks, two collectors, and everything between. Nothing in the way of a
// report is simulated. Most readers need Run.
package demo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/demo/page"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/model"
)

// Options of a run.
type Options struct {
	Once   bool   // play the script once and check everything; else cycle until ctx ends
	Listen string // of the dashboard; "": 127.0.0.1:8418
	// of the page that a visitor may break; "": none, for a run with Once expects nobody
	// else's reports
	Page       string
	Executable string    // of heliograph, for the collectors' processes
	Out        io.Writer // the timeline
	Log        *slog.Logger
}

// Calm before the first fault, in which the detector learns what is normal, and between cycles.
const (
	firstCalm = 12 * time.Second
	calm      = 3 * time.Second
	nextCycle = 20 * time.Second
)

// stage is everything that runs.
type stage struct {
	o          Options
	dir        string
	began      time.Time
	undo       []cleanUp // the last one runs first
	places     []place
	service    *service
	names      *nameServerOf
	collectors []*collectorProcess
	node       *roles.Process
	crowd      *crowd
	page       *page.Page // nil: none

	collectorTLS *tls.Config
	expected     map[int64]bool // incidents that a fault explains
}

// Run stages the outage. With Once it returns nil only if every fault was flagged and cleared in
// time with the right outcome and the right network or server, nothing else was flagged, and every
// delivered report is in the store exactly once.
func Run(ctx context.Context, o Options) (err error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:8418"
	}
	s := &stage{o: o, began: time.Now(), places: places(), expected: map[int64]bool{}}
	defer func() {
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		err = errors.Join(err, s.clear(wait))
	}()
	if err := s.set(ctx); err != nil {
		return fmt.Errorf("setting the stage: %w", err)
	}
	fmt.Fprintf(o.Out, "Heliograph demo: %d clients in %d networks, %d servers, %d collectors and a name server, all on this machine's loopback.\n",
		len(s.crowd.clients), len(networks), len(s.places), len(s.collectors))
	fmt.Fprintf(o.Out, "Open http://%s/ and watch.\n", s.node.DashboardAddr)
	if s.page != nil {
		fmt.Fprintf(o.Out, "Try it in your browser: http://%s/\n", s.page.Addr())
	}
	fmt.Fprintln(o.Out)
	s.line("calm     one request in a hundred fails, as on any day")
	if !sleep(ctx, firstCalm) {
		return nil
	}
	for {
		err := s.cycle(ctx)
		switch {
		case ctx.Err() != nil:
			fmt.Fprintln(o.Out)
			return nil
		case o.Once && err == nil:
			return s.verify(ctx)
		case err != nil && o.Once:
			return err
		case err != nil:
			s.line("NOTE     %v", err)
		}
		s.line("calm     the script starts again in %v; interrupt to end", nextCycle)
		if !sleep(ctx, nextCycle) {
			return nil
		}
	}
}

// cleanUp is a step of the end.
type cleanUp struct {
	name string
	do   func(context.Context) error
}

// cleanUp registers what undoes something that has just been set up.
func (s *stage) cleanUp(name string, do func(context.Context) error) {
	s.undo = append(s.undo, cleanUp{name, do})
}

// background runs a service until the stage is cleared.
func (s *stage) background(name string, run func(context.Context) error) {
	stop := lifecycle.Background(run)
	s.cleanUp(name, func(context.Context) error { return stop() })
}

// clear undoes what was set up, the last thing first.
func (s *stage) clear(ctx context.Context) error {
	var errs []error
	for _, c := range slices.Backward(s.undo) {
		if err := c.do(ctx); err != nil {
			errs = append(errs, fmt.Errorf("ending the %s: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}

// cycle plays every fault. With Once the first that fails ends it.
func (s *stage) cycle(ctx context.Context) error {
	var errs []error
	for _, f := range s.faults() {
		if err := s.play(ctx, f); err != nil {
			errs = append(errs, err)
			if s.o.Once || ctx.Err() != nil {
				break
			}
		}
		if !sleep(ctx, calm) {
			break
		}
	}
	return errors.Join(errs...)
}

// set builds the stage: data directories as `init` makes them, then every process and every client.
func (s *stage) set(ctx context.Context) (err error) {
	if s.dir, err = os.MkdirTemp("", "heliograph-demo-"); err != nil {
		return err
	}
	s.cleanUp("data directory", func(context.Context) error { return os.RemoveAll(s.dir) })
	serviceCA, err := devca.New("Shop test authority")
	if err != nil {
		return err
	}
	if err := s.setService(serviceCA); err != nil {
		return err
	}
	collectorCA, err := devca.New("Collectors' test authority")
	if err != nil {
		return err
	}
	s.collectorTLS = &tls.Config{RootCAs: collectorCA.Pool()}
	policy, err := s.setPipeline(ctx, collectorCA, serviceCA)
	if err != nil {
		return err
	}
	s.crowd, err = startCrowd(crowdOptions{Dir: filepath.Join(s.dir, "clients"), Policy: policy, URL: s.service.URL(), NameServer: s.names.Addr,
		Service: serviceCA.Pool(), Collectors: collectorCA.Pool(), Seed: 1})
	if err != nil {
		return err
	}
	s.cleanUp("clients", func(ctx context.Context) error {
		_ = s.crowd.Shutdown(ctx) // what remains in the spools goes with the directory
		return nil
	})
	if s.o.Page != "" {
		return s.setPage()
	}
	return nil
}

func (s *stage) setService(ca *devca.CA) error {
	cert, err := ca.Issue(time.Now().Add(23*time.Hour), serviceName)
	if err != nil {
		return err
	}
	addrs := make([]netip.Addr, len(s.places))
	for i, p := range s.places {
		addrs[i] = p.Addr
	}
	if s.service, err = startService(addrs, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}); err != nil {
		return err
	}
	s.cleanUp("service", func(context.Context) error { s.service.Close(); return nil })
	if s.names, err = startNameServer(addrs); err != nil {
		return err
	}
	s.cleanUp("name server", s.names.Close)
	return nil
}

// setPipeline starts collectors, detector, prober and page, and returns the signed policy for
// the clients.
func (s *stage) setPipeline(ctx context.Context, collectorCA, serviceCA *devca.CA) ([]byte, error) {
	mainDir := filepath.Join(s.dir, "main")
	for i, host := range collectorHosts {
		id := fmt.Sprintf("c%d", i+1)
		c, err := newCollector(id, host, filepath.Join(s.dir, id), mainDir, s.o.Executable, collectorCA)
		if err != nil {
			return nil, err
		}
		s.collectors = append(s.collectors, c)
	}
	if err := roles.Init(mainDir, roles.InitOptions{Config: []byte(s.config()), Policy: []byte(s.policy())}); err != nil {
		return nil, err
	}
	files := map[string][]byte{"networks.tsv": []byte(networkTable()), "collectors-ca.pem": collectorCA.PEM(), "service-ca.pem": serviceCA.PEM()}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(mainDir, name), text, 0o644); err != nil {
			return nil, err
		}
	}
	for _, c := range s.collectors {
		if err := c.Start(ctx); err != nil {
			return nil, err
		}
		s.cleanUp("collector "+c.id, c.Stop)
	}
	config, err := roles.Load(filepath.Join(mainDir, roles.ConfigName))
	if err != nil {
		return nil, err
	}
	s.node, err = roles.New(ctx, roles.Options{Config: config, Roles: roles.Roles{Detector: true, Prober: true}, Logger: s.o.Log})
	if err != nil {
		return nil, err
	}
	s.background("detector", s.node.Run)
	return os.ReadFile(filepath.Join(mainDir, "policy"))
}

// config is heliograph.yaml of the process that has detector, prober and page. Times are short: a
// demo has no patience.
func (s *stage) config() string {
	var b strings.Builder
	fmt.Fprintf(&b, `networks: networks.tsv
detector:
  feeds: [%s]
  feed_ca: collectors-ca.pem
  bin: 1s
  grace: 2s
dashboard: {listen: "%s"}
operations: {listen: "127.0.0.1:0"}
prober:
  interval: 2s
  timeout: 1s
  failures: 3
  ca: service-ca.pem
  targets:
`, s.feeds(), s.o.Listen)
	for _, p := range s.places {
		fmt.Fprintf(&b, "    - {name: %s, url: \"%s/healthz\", address: \"%s\", data_centre: %s, cluster: %s, row: %s}\n",
			p.Name, s.service.URL(), s.service.Server(p.Addr), p.DataCentre, p.Cluster, p.Row)
	}
	return b.String()
}

func (s *stage) feeds() string {
	urls := make([]string, len(s.collectors))
	for i, c := range s.collectors {
		urls[i] = fmt.Sprintf(`{id: %s, url: "https://%s"}`, c.id, c.Addr)
	}
	return strings.Join(urls, ", ")
}

// policy is policy.yaml for the clients: both collectors, the first preferred. With so few clients
// a quarter of the calm windows is sent.
func (s *stage) policy() string {
	var b strings.Builder
	fmt.Fprint(&b, `success_fraction: 0.25
window: 1s
seal_key: keys/seal.pem
signers: [keys/policy.pub.pem]
collectors:
`)
	for i, c := range s.collectors {
		fmt.Fprintf(&b, "  - {id: %s, url: \"https://%s\", priority: %d, weight: 1, receipt_key: ../%s/keys/receipt.pub.pem}\n", c.id, c.Addr, i+1, c.id)
	}
	return b.String()
}

// line prints one line of the timeline.
func (s *stage) line(format string, args ...any) {
	at := time.Since(s.began).Round(time.Second)
	fmt.Fprintf(s.o.Out, "%2d:%02d  %s\n", int(at.Minutes()), int(at.Seconds())%60, fmt.Sprintf(format, args...))
}

// verify compares what the clients know with what the store says.
func (s *stage) verify(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 25*time.Second)
	defer cancel()
	s.crowd.StopRequests()
	if err := s.crowd.Drain(ctx); err != nil {
		return err
	}
	if err := s.nothingElse(ctx); err != nil {
		return err
	}
	batches, dropped := s.crowd.Delivered()
	for id, times := range batches {
		if times != 1 {
			return fmt.Errorf("batch %v was counted as delivered %d times", id, times)
		}
	}
	for { // the last batches may still be in a collector's inbox
		err := s.compare(ctx, len(batches), dropped)
		if err == nil {
			break
		}
		if !sleep(ctx, 200*time.Millisecond) {
			return err
		}
	}
	for id := range batches {
		if _, found, err := s.node.Store.Batch(ctx, id); err != nil || !found {
			return fmt.Errorf("batch %v was delivered and is not in the store (%w)", id, err)
		}
	}
	s.line("verified %d batches delivered, each in the store once; %d requests, of which all %d failed ones are in the totals",
		len(batches), s.crowd.requests.Load(), s.crowd.failures.Load())
	return nil
}

// compare says how store and clients differ in batches and in failed requests. A window with a
// failure is always sent, so that the store's total of failures must be exactly what the
// applications saw.
func (s *stage) compare(ctx context.Context, delivered int, dropped uint64) error {
	stored, err := s.node.Store.Batches(ctx, s.began)
	if err != nil {
		return err
	}
	totals, err := s.node.Store.Totals(ctx, model.TotalsQuery{Since: s.began.Add(-time.Minute)})
	if err != nil {
		return err
	}
	var failed float64
	for _, t := range totals {
		failed += t.Failed
	}
	switch seen := s.crowd.failures.Load(); {
	case dropped != 0:
		return fmt.Errorf("agents dropped %d records", dropped)
	case stored != uint64(delivered):
		return fmt.Errorf("agents delivered %d batches, the store has %d", delivered, stored)
	case failed != float64(seen):
		return fmt.Errorf("the applications saw %d failures, the store has %v", seen, failed)
	}
	return nil
}

// nothingElse fails if an incident was flagged that no fault explains.
func (s *stage) nothingElse(ctx context.Context) error {
	all, err := s.node.Store.Incidents(ctx, s.began)
	if err != nil {
		return err
	}
	for _, i := range all {
		if !s.expected[i.ID] {
			return fmt.Errorf("flagged although nothing was wrong: %s", i.Title)
		}
	}
	return nil
}
