package roles

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/status"
	"github.com/heliograph-net/heliograph/internal/httpserve"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
)

// StatusConfig is the page that is shown to the public; it is off while neither Listen nor Out is
// set.
type StatusConfig struct {
	Listen  string `yaml:"listen"` // host:port; "": it is not served
	TLSCert string `yaml:"tls_cert"`
	TLSKey  string `yaml:"tls_key"`
	Out     string `yaml:"out"`   // directory into which its files are written; "": none
	URL     string `yaml:"url"`   // where the public finds it
	Title   string `yaml:"title"` // its heading
	// what the public knows by name
	Services []StatusService `yaml:"services"`
	// show incidents without an operator's words
	Automatic bool `yaml:"automatic"`
	Networks  bool `yaml:"networks"` // and name networks
}

// StatusService is something that the public knows by name.
type StatusService struct {
	Name    string   `yaml:"name"`
	Targets []string `yaml:"targets"` // origins
}

// on reports whether there is a status page.
func (s *StatusConfig) on() bool { return s.Listen != "" || s.Out != "" }

func (c *Config) checkStatus(bad complaint) {
	s := &c.Status
	if !s.on() {
		return
	}
	if u, err := url.Parse(s.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		bad("status.url", "%q is not the http or https URL at which the public finds the page", s.URL)
	}
	if (s.TLSCert == "") != (s.TLSKey == "") {
		bad("status.tls_key", "tls_cert and tls_key belong together")
	}
	if len(s.Services) == 0 {
		bad("status.services", "is empty: say what the public knows by name")
	}
	for i, service := range s.Services {
		if service.Name == "" || len(service.Targets) == 0 {
			bad(fmt.Sprintf("status.services[%d]", i), "needs a name and targets")
		}
	}
}

// statusEvery is how often the status page is made anew.
const statusEvery = 30 * time.Second

// statusSince is how far back it looks for incidents, which may have begun before the first day.
const statusSince = (status.Days + 1) * 24 * time.Hour

// statusPage makes the status page, serves it and writes its files.
type statusPage struct {
	p       *Process
	current atomic.Pointer[Config]
	files   atomic.Pointer[map[string][]byte]
	failed  bool // belongs to run
}

// addStatus adds the status page, if there is to be one.
func (p *Process) addStatus(c *Config) (err error) {
	p.reloads.fix(map[string]func(*Config) any{
		"status.listen":   func(c *Config) any { return c.Status.Listen },
		"status.out":      func(c *Config) any { return c.Status.Out },
		"status.tls_cert": func(c *Config) any { return c.Status.TLSCert },
		"status.tls_key":  func(c *Config) any { return c.Status.TLSKey },
	})
	if !c.Status.on() || p.Store == nil {
		return nil
	}
	s := &statusPage{p: p}
	s.current.Store(c)
	p.status = s
	p.reloads.add("status", func(next *Config) ([]any, error) {
		s.current.Store(next)
		return []any{"services", len(next.Status.Services)}, nil
	})
	p.parts.Add(endWork, lifecycle.Part{Name: "status page", Run: s.run})
	if c.Status.Listen == "" {
		return nil
	}
	listener := httpserve.Options{Name: "status", Listen: c.Status.Listen, Handler: s}
	if listener.TLS, err = p.certificates(c, "status", tlsFiles{cert: c.File(c.Status.TLSCert), key: c.File(c.Status.TLSKey)}); err != nil {
		return fmt.Errorf("status.%w", err)
	}
	p.StatusAddr, err = p.listen(closePage, listener)
	return err
}

func (s *statusPage) run(ctx context.Context) error {
	tick := time.NewTicker(statusEvery)
	defer tick.Stop()
	for {
		err := s.make(ctx)
		if err != nil && !s.failed && ctx.Err() == nil {
			s.p.log.Error("the status page is not up to date", "error", err)
		}
		s.failed = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// make makes the page and its files anew.
func (s *statusPage) make(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, statusEvery)
	defer cancel()
	page, err := s.page(ctx, time.Now())
	if err != nil {
		return err
	}
	files, err := page.Files()
	if err != nil {
		return err
	}
	s.files.Store(&files)
	if c := s.current.Load(); c.Status.Out != "" {
		return status.Write(c.File(c.Status.Out), files)
	}
	return nil
}

// page is the page at a time.
func (s *statusPage) page(ctx context.Context, now time.Time) (status.Page, error) {
	c := &s.current.Load().Status
	settings := status.Settings{Title: c.Title, URL: c.URL, Automatic: c.Automatic, Networks: c.Networks}
	if s.p.names != nil {
		settings.NetworkName = s.p.names.Name
	}
	for _, service := range c.Services {
		settings.Services = append(settings.Services, status.Service{Name: service.Name, Targets: service.Targets})
	}
	incidents, err := s.p.Store.Incidents(ctx, now.Add(-statusSince))
	if err != nil {
		return status.Page{}, fmt.Errorf("reading incidents for the status page: %w", err)
	}
	ids := make([]int64, len(incidents))
	for i := range incidents {
		ids[i] = incidents[i].ID
	}
	journals, err := s.p.journal.Journals(ctx, ids)
	if err == nil && len(journals) != len(ids) {
		err = errors.New("the journal has another number of incidents")
	}
	if err != nil {
		return status.Page{}, fmt.Errorf("reading notes for the status page: %w", err)
	}
	blind := false
	for _, condition := range s.p.detector.Conditions() {
		blind = blind || condition.Blind
	}
	return status.New(settings, now, incidents, journals, blind), nil
}

// statusTypes are the media types of the files of the status page.
var statusTypes = map[string]string{"index.html": "text/html; charset=utf-8", "feed.xml": "application/rss+xml; charset=utf-8",
	"style.css": "text/css; charset=utf-8", "status.json": "application/json"}

// ServeHTTP serves the files to everybody.
func (s *statusPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", status.ContentSecurityPolicy+"; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "public, max-age=30")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD are answered here", http.StatusMethodNotAllowed)
		return
	}
	files := s.files.Load()
	name := r.URL.Path[1:]
	if name == "" {
		name = "index.html"
	}
	switch {
	case files == nil:
		h.Set("Retry-After", "5")
		http.Error(w, "the page is being made", http.StatusServiceUnavailable)
	case (*files)[name] == nil:
		http.NotFound(w, r)
	default:
		h.Set("Content-Type", statusTypes[name])
		w.Write((*files)[name]) // an error means that the reader is gone
	}
}
