package page

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/internal/theme"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/wasm"
)

//go:embed web
var web embed.FS

// contentSecurityPolicy returns a policy that is as strict as the agent allows: scripts and the
// worker from the page's own origin, WebAssembly, and connections to the service and the
// collectors. Every answer has it, because a worker obeys the policy that comes with its
// own script.
func contentSecurityPolicy(service string, connect []string) string {
	return strings.Join([]string{
		"default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "worker-src 'self'", "style-src 'self'",
		"connect-src 'self' " + service + " " + strings.Join(connect, " "), "img-src 'self' " + service,
		"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
	}, "; ")
}

func (p *Page) handler() http.Handler {
	own, err := fs.Sub(web, "web")
	if err != nil { // the pattern above embeds it
		own = web
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(own))
	mux.HandleFunc("GET /theme.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(theme.CSS)
	})
	mux.Handle("GET /heliograph/", http.StripPrefix("/heliograph", p.agent))
	mux.HandleFunc("GET /policy", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.heliograph.policy")
		_, _ = w.Write(p.policy)
	})
	mux.HandleFunc("GET /state", p.serveState)
	mux.HandleFunc("GET /arrived", p.serveArrived)
	mux.HandleFunc("POST /collectors/{id}/{state}", p.setCollector)
	return p.guard(http.NewCrossOriginProtection().Handler(mux))
}

// guard refuses host names other than this machine's, to protect against DNS rebinding, and sets
// the headers of every answer.
func (p *Page) guard(h http.Handler) http.Handler {
	return httpx.Hosts(nil).Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", p.csp)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		// another version of the program may be the next to answer here
		w.Header().Set("Cache-Control", "no-cache")
		h.ServeHTTP(w, r)
	}))
}

// stage is what the page needs to know about the demonstration.
type stage struct {
	App        string           `json:"app"`
	Built      bool             `json:"built"`     // the WebAssembly module is there
	Service    string           `json:"service"`   // base URL
	Closed     string           `json:"closed"`    // base URL that refuses
	Dashboard  string           `json:"dashboard"` // URL
	Collectors []collectorState `json:"collectors"`
}

// agentFiles serves the browser agent. If this program was built without its WebAssembly module, it
// serves only the scripts and returns false; the page then says so.
func agentFiles() (h http.Handler, built bool) {
	h, err := wasm.Handler(wasm.Files())
	if err != nil {
		return http.FileServerFS(wasm.Files()), false
	}
	return h, true
}

type collectorState struct {
	ID string `json:"id"`
	Up bool   `json:"up"`
}

func (p *Page) serveState(w http.ResponseWriter, _ *http.Request) {
	s := stage{App: App, Built: p.built, Service: p.service, Closed: p.closed, Dashboard: p.o.Dashboard}
	for _, d := range p.doors {
		s.Collectors = append(s.Collectors, collectorState{d.id, d.Up()})
	}
	writeJSON(w, s)
}

// arrival is a number of requests, or of application errors, that the detector has.
type arrival struct {
	Type  string  `json:"type"`
	Count float64 `json:"count"`
}

// serveArrived returns which of this page's reports of the last 15 minutes the detector has.
func (p *Page) serveArrived(w http.ResponseWriter, r *http.Request) {
	arrived, err := p.arrived(r.Context(), time.Now().Add(-15*time.Minute))
	if err != nil {
		p.o.Logger.Error("reading what arrived", "component", "demonstration page", "error", err)
		http.Error(w, "the detector's store does not answer", http.StatusServiceUnavailable)
		return
	}
	writeJSON(w, arrived)
}

func (p *Page) arrived(ctx context.Context, since time.Time) ([]arrival, error) {
	totals, err := p.o.Reports.Totals(ctx, model.TotalsQuery{Since: since, By: model.DimensionsOf(model.ByApp, model.ByOutcome)})
	if err != nil {
		return nil, err
	}
	sum := map[string]float64{}
	for _, t := range totals {
		if t.Key.App == App {
			sum[string(t.Key.Outcome)] += t.OK + t.Failed
		}
	}
	errors, err := p.o.Reports.Samples(ctx, model.SampleQuery{Type: "app", Since: since, Limit: 1000})
	if err != nil {
		return nil, err
	}
	for i := range errors { // application errors are not requests, so totals do not count them
		if errors[i].App == App {
			sum[string(errors[i].Outcome)] += float64(errors[i].Error.Count)
		}
	}
	all := []arrival{}
	for _, kind := range slices.Sorted(maps.Keys(sum)) {
		all = append(all, arrival{kind, sum[kind]})
	}
	return all, nil
}

// setCollector opens or closes the door to a collector.
func (p *Page) setCollector(w http.ResponseWriter, r *http.Request) {
	i := slices.IndexFunc(p.doors, func(d *door) bool { return d.id == r.PathValue("id") })
	if i < 0 {
		http.NotFound(w, r)
		return
	}
	var err error
	switch r.PathValue("state") {
	case "up":
		err = p.doors[i].Open()
	case "down":
		err = p.doors[i].Close()
	default:
		err = fmt.Errorf("%q is neither up nor down", r.PathValue("state"))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	p.serveState(w, r)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Cache-Control", "no-store")
	_ = httpx.WriteJSON(w, http.StatusOK, v) // what the page tells can be encoded
}
