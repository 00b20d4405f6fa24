package collector

import (
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"github.com/heliograph-net/heliograph/internal/httpx"
	"github.com/heliograph-net/heliograph/internal/protocol"
)

// endpoints are the handlers of the public routes.
type endpoints struct {
	batches *batches
	browser *browser
	policy  *policyServer
	feed    *feedServer
	gateway *gateway
	sentry  *sentryServer
}

// routes maps paths to handlers. A route's label in the metrics is its path without "/v1/".
func routes(o *Options, m *metrics, to endpoints) http.Handler {
	serve := (&httpx.Routes{
		Requests: m.requests, Duration: m.duration, Logger: o.Logger,
		ReadTimeout: o.UploadTimeout, WriteTimeout: o.UploadTimeout + o.CommitTimeout + httpx.WriteTimeout,
	}).Handle
	r := mux.NewRouter()
	route := func(path, methods, headers string, h httpx.Handler) {
		name := strings.TrimPrefix(path, "/v1/")
		r.Handle(path, serve(name, h)).Methods(strings.Split(methods, ", ")...)
		if headers != "" { // pages of other origins may use the route
			r.Handle(path, serve(name, preflight(methods, headers))).Methods(http.MethodOptions)
			methods += ", OPTIONS"
		}
		r.Handle(path, serve(name, notAllowed(methods, headers != "")))
	}
	route(protocol.PathBatches, "POST", "content-type, heliograph-batch, heliograph-delivery", to.batches.serve)
	route(protocol.PathReports, "POST", "content-type", to.browser.serve)
	route(protocol.PathPolicy, "GET, HEAD", "if-none-match", to.policy.serve)
	route(protocol.PathFeed, "GET", "", to.feed.serve)
	route(protocol.PathOblivious, "POST", "", to.gateway.serve)
	route(protocol.PathObliviousKeys, "GET, HEAD", "", to.gateway.serveKeys)
	r.Handle(pathSentry, serve("sentry", to.sentry.serve))
	r.NotFoundHandler = serve("other", func(http.ResponseWriter, *http.Request) error {
		return errNoPath
	})
	return shortcut(protocol.PathBatches, serve(strings.TrimPrefix(protocol.PathBatches, "/v1/"), to.batches.serve), r)
}

// shortcut bypasses the router, which copies each request, for the one request that comes thousands
// of times a second.
func shortcut(path string, batches, router http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path && r.Method == http.MethodPost {
			batches.ServeHTTP(w, r)
			return
		}
		router.ServeHTTP(w, r)
	})
}

// preflight answers a CORS preflight (Fetch, section 4.8). Pages of any origin may send, because
// the collector does not use cookies.
func preflight(methods, headers string) httpx.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		allowOrigins(w)
		allowPrivateNetwork(w, r)
		w.Header().Set("Access-Control-Allow-Methods", methods)
		w.Header().Set("Access-Control-Allow-Headers", headers)
		w.Header().Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
}

func allowOrigins(w http.ResponseWriter) {
	h := w.Header()
	h["Access-Control-Allow-Origin"], h["Access-Control-Expose-Headers"] = anyOrigin, exposed
}

// allowPrivateNetwork answers older versions of Chromium, which ask before a page on the Internet
// connects to a private address, such as that of a collector in an intranet (Private Network
// Access, now replaced by Local Network Access, which asks the user). A collector does not rely on
// its address being private.
func allowPrivateNetwork(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		w.Header().Set("Access-Control-Allow-Private-Network", "true")
	}
}

func notAllowed(allow string, origins bool) httpx.Handler {
	return func(w http.ResponseWriter, _ *http.Request) error {
		if origins {
			allowOrigins(w)
		}
		w.Header().Set("Allow", allow)
		return httpx.NewError(http.StatusMethodNotAllowed, "method not allowed")
	}
}
