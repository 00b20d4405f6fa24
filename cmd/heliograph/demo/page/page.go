// Package page serves the page of the demonstration, on which a visitor opts in, breaks things and
// sees what was sent. The page is a shop. It sends requests to a service that fails on demand, and
// its browser agent delivers to the collectors of the demonstration. Start with [New].
package page

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/heliograph-net/heliograph/internal/httpserve"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/internal/netaddr"
	"github.com/heliograph-net/heliograph/model"
)

// App is the application's name in the page's reports.
const App = "demo-page"

// Options configures a [Page]. All fields except Listen and Transport are required.
type Options struct {
	Listen     string      // host:port on loopback; empty for 127.0.0.1:8420
	Collectors []Collector // at least one, the preferred first
	// transport to the collectors, which trusts their authority; nil means http.DefaultTransport
	Transport http.RoundTripper
	// SignPolicy returns the signed policy for browsers. urls are the URLs at which a browser
	// reaches the collectors, in the order of Collectors.
	SignPolicy func(urls []string) ([]byte, error)
	Reports    model.Reader // where reports arrive
	Dashboard  string       // URL of the dashboard
	Logger     *slog.Logger
}

// Collector is a collector of the demonstration.
type Collector struct {
	ID  string // as in the policy
	URL string // base URL
}

func (o *Options) validate() error {
	var faults []error
	if o.Listen == "" {
		o.Listen = "127.0.0.1:8420"
	}
	if host, _, err := net.SplitHostPort(o.Listen); err != nil {
		faults = append(faults, fmt.Errorf("Listen: %q is not host:port", o.Listen))
	} else if !netaddr.LoopbackHost(host) {
		faults = append(faults, fmt.Errorf("Listen: %q is not a loopback address: browsers trust plain HTTP and plain collectors only there", host))
	}
	if o.SignPolicy == nil || o.Reports == nil || o.Logger == nil || len(o.Collectors) == 0 {
		faults = append(faults, errors.New("Collectors, SignPolicy, Reports and Logger are required"))
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	return errors.Join(faults...)
}

// Page is the page with its listener, that of the failing service, and a door to each collector.
type Page struct {
	o       Options
	parts   *lifecycle.Group
	addr    string
	doors   []*door
	service string // base URL of the service that fails on demand
	closed  string // base URL at which nothing listens
	policy  []byte
	csp     string
	agent   http.Handler // of the browser's agent
	built   bool         // the agent has its WebAssembly module
}

// New returns a Page with all listeners bound. If it fails, it closes them.
func New(o Options) (p *Page, err error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("demonstration page: %w", err)
	}
	p = &Page{o: o, parts: lifecycle.NewGroup(time.Second)}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("demonstration page: %w", err), p.parts.Close())
		}
	}()
	var urls []string
	for _, c := range o.Collectors {
		d, err := p.newDoor(c)
		if err != nil {
			return p, err
		}
		p.doors = append(p.doors, d)
		p.parts.Add(0, lifecycle.Part{Name: "door to collector " + c.ID, Close: d.Close})
		urls = append(urls, d.URL())
	}
	if p.policy, err = o.SignPolicy(urls); err != nil {
		return p, err
	}
	if p.service, err = p.listen("failing service", "127.0.0.1:0", failingService()); err != nil {
		return p, err
	}
	if p.closed, err = closedURL(); err != nil {
		return p, err
	}
	p.agent, p.built = agentFiles()
	p.csp = contentSecurityPolicy(p.service, append(urls, p.closed))
	root, err := p.listen("demonstration page", o.Listen, p.handler())
	if err != nil {
		return p, err
	}
	p.addr = root[len("http://"):]
	return p, nil
}

// Addr is the bound address, host:port.
func (p *Page) Addr() string { return p.addr }

// Run serves until ctx ends and closes all listeners. It may be called once.
func (p *Page) Run(ctx context.Context) error { return p.parts.Run(ctx) }

// listen adds a listener. At the end, it cuts off slow answers.
func (p *Page) listen(name, listen string, h http.Handler) (baseURL string, err error) {
	s, err := httpserve.New(httpserve.Options{Name: name, Listen: listen, Handler: h, Logger: p.o.Logger})
	if err != nil {
		return "", err
	}
	p.parts.Add(0, s.Part())
	return "http://" + s.Addr(), nil
}

// closedURL returns a URL with a port of this machine that was free a moment ago, so that
// connections are refused.
func closedURL() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return (&url.URL{Scheme: "http", Host: ln.Addr().String()}).String(), ln.Close()
}
