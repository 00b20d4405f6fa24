// Package blackbox lets a Prometheus use the prober in place of blackbox_exporter: a scrape of
// /probe?target=…&module=… makes one attempt at once and answers with its metrics, which have the
// names and labels of blackbox_exporter's. Start with [New].
//
// What differs: probe_http_duration_seconds counts everything up to the last redirect as
// processing, and probe_failed_due_to_regex is also 1 for an answer that breaks another rule than a
// regular expression.
package blackbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/prober/probe"
)

// Defaults and limits.
const (
	DefaultModule      = "http_2xx"
	DefaultConcurrency = 256

	maxTarget   = 2048 // bytes
	mostTimeout = 2 * time.Minute
	// what is left of the scrape's time for the answer, as blackbox_exporter has it
	scrapeMargin = 500 * time.Millisecond
)

// ErrModule is returned, wrapped, by Options.Probe for a module that there is not.
var ErrModule = errors.New("unknown module")

// Probe is a way to probe one target.
type Probe struct {
	Kind    string // of the module: "http"
	Func    probe.Func
	Timeout time.Duration // of one attempt; 0: as long as the scrape has
}

// Options configures a handler.
type Options struct {
	// Probe returns how a module probes a target. hostname, if it is not empty, is the name to ask
	// the target for. The error is shown to who asks. It must be safe for concurrent use.
	Probe func(module, target, hostname string) (Probe, error)

	Concurrency int // attempts at a time; more are refused with 503; 0 means DefaultConcurrency
}

// New returns a handler for GET requests with the parameters target, module ([DefaultModule] if
// absent) and hostname. It answers 400 for an invalid target or an unknown module, and 200 with
// probe_success 0 for a target that fails. An attempt ends at the module's timeout, or shortly
// before the time that Prometheus says it waits.
//
// Whoever can reach the handler can make this machine connect to any address. It belongs on an
// address that only Prometheus can reach.
func New(o Options) http.Handler {
	if o.Concurrency == 0 {
		o.Concurrency = DefaultConcurrency
	}
	h := &handler{o.Probe, make(chan struct{}, o.Concurrency)}
	m := http.NewServeMux()
	m.Handle("GET /probe", h)
	return m
}

type handler struct {
	probe func(module, target, hostname string) (Probe, error)
	slots chan struct{}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		http.Error(w, fmt.Sprintf("more than %d probes at a time", cap(h.slots)), http.StatusServiceUnavailable)
		return
	}
	query := r.URL.Query()
	module, target := query.Get("module"), query.Get("target")
	if module == "" {
		module = DefaultModule
	}
	if target == "" || len(target) > maxTarget {
		http.Error(w, fmt.Sprintf("target must have 1 to %d bytes", maxTarget), http.StatusBadRequest)
		return
	}
	p, err := h.probe(module, target, query.Get("hostname"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	timeout, err := timeoutOf(r, p.Timeout)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(probe.WithDetails(r.Context()), timeout)
	defer cancel()
	began := time.Now()
	result, err := p.Func(ctx)
	w.Header().Set("Content-Type", mediaType)
	// an error says that the client is gone
	_, _ = w.Write(format(families(p.Kind, result, err == nil, time.Since(began), timeout)))
}

// timeoutOf returns the shorter of the module's timeout and what the scrape leaves.
func timeoutOf(r *http.Request, module time.Duration) (time.Duration, error) {
	most := mostTimeout
	if v := r.Header.Get("X-Prometheus-Scrape-Timeout-Seconds"); v != "" {
		seconds, err := strconv.ParseFloat(v, 64)
		if err != nil || !(seconds > 0) {
			return 0, errors.New("X-Prometheus-Scrape-Timeout-Seconds must be a number of seconds")
		}
		if limit := time.Duration(min(seconds, mostTimeout.Seconds()) * float64(time.Second)); limit > scrapeMargin {
			most = min(most, limit-scrapeMargin)
		}
	}
	if module > 0 {
		most = min(most, module)
	}
	return most, nil
}
