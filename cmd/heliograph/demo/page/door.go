package page

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/internal/httpserve"
)

// door is a plain listener on loopback before a collector, which has a certificate of the
// demonstration's own authority that no browser trusts. It passes on what comes, byte for byte. A
// closed door refuses connections, as a collector that is down does.
type door struct {
	id      string
	addr    string // host:port, the same whenever it is open
	handler http.Handler
	log     *slog.Logger

	mu     sync.Mutex
	server *httpserve.Server // guarded by mu; nil: closed
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

// Open listens, unless it does.
func (d *door) Open() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server != nil {
		return nil
	}
	s, err := httpserve.Start(httpserve.Options{Name: "door to collector " + d.id, Listen: d.addr, Handler: d.handler, Logger: d.log})
	if err != nil {
		return err
	}
	d.server, d.addr = s, s.Addr()
	return nil
}

// Close stops listening; a request under way has half a second to end. It is idempotent.
func (d *door) Close(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	err := d.server.Shutdown(ctx)
	d.server = nil
	if errors.Is(err, context.DeadlineExceeded) { // it was cut
		return nil
	}
	return err
}

// Up reports whether the door is open.
func (d *door) Up() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.server != nil
}
