package page

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"

	"github.com/heliograph-net/heliograph/internal/httpserve"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
)

// door is a listener without TLS on loopback in front of a collector, whose certificate browsers do
// not trust because it is from the demonstration's own authority. It forwards all bytes. A closed
// door refuses connections, like a collector that is down.
type door struct {
	id      string
	addr    string // host:port, the same whenever it is open
	handler http.Handler
	log     *slog.Logger

	mu   sync.Mutex
	stop func() error // guarded by mu; closes the door; nil if it is closed
}

func (p *Page) newDoor(c Collector) (*door, error) {
	target, err := url.Parse(c.URL)
	if err != nil || target.Host == "" {
		return nil, fmt.Errorf("collector %s: %q is no URL", c.ID, c.URL)
	}
	d := &door{id: c.ID, addr: "127.0.0.1:0", log: p.o.Logger, handler: &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:    p.o.Transport,
		ErrorLog:     slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}}
	return d, d.Open()
}

// URL is the door's base URL.
func (d *door) URL() string { return "http://" + d.addr }

// Open opens the door, unless it is open.
func (d *door) Open() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stop != nil {
		return nil
	}
	s, err := httpserve.New(httpserve.Options{Name: "door to collector " + d.id, Listen: d.addr, Handler: d.handler, Logger: d.log})
	if err != nil {
		return err
	}
	d.stop, d.addr = lifecycle.Background(s.Run), s.Addr()
	return nil
}

// Close closes the door. Requests in flight have a moment to end. It is idempotent.
func (d *door) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stop == nil {
		return nil
	}
	err := d.stop()
	d.stop = nil
	return err
}

// Up reports whether the door is open.
func (d *door) Up() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stop != nil
}
