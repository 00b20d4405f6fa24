package demo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/demo/page"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/devca"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
)

// stage is everything that runs.
type stage struct {
	o          Options
	times      times
	took       []time.Duration // from each fault's begin to its alert
	dir        string
	began      time.Time
	undo       []cleanUp // the last one runs first
	places     []place
	service    *service
	names      *nameServerOf
	collectors []*collectorProcess
	node       *roles.Process
	crowd      *crowd
	page       *page.Page // nil if none

	collectorTLS *tls.Config
	expected     map[int64]bool // incidents that a fault explains
}

// cleanUp is one step of clearing the stage.
type cleanUp struct {
	name string
	do   func(context.Context) error
}

// cleanUp registers a function that undoes something that has just been set up.
func (s *stage) cleanUp(name string, do func(context.Context) error) {
	s.undo = append(s.undo, cleanUp{name, do})
}

// background runs a service until the stage is cleared.
func (s *stage) background(name string, run func(context.Context) error) {
	stop := lifecycle.Background(run)
	s.cleanUp(name, func(context.Context) error { return stop() })
}

// clear undoes what was set up, in reverse order.
func (s *stage) clear(ctx context.Context) error {
	var errs []error
	for _, c := range slices.Backward(s.undo) {
		if err := c.do(ctx); err != nil {
			errs = append(errs, fmt.Errorf("ending the %s: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}

// set sets up everything: data directories as made by "init", then every process and every client.
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
		_ = s.crowd.Shutdown(ctx) // the rest of the spools is removed with the directory
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
