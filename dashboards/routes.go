package dashboards

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
)

// queryTimeout is the time limit of one request to the API, except for the stream.
const queryTimeout = 15 * time.Second

// handler answers a request or returns an error, which answer turns into an answer. A handler first
// reads its parameters and then checks p.err.
type handler func(w http.ResponseWriter, r *http.Request, p *params) error

func (d *Dashboard) routes(page map[string]*pageFile) http.Handler {
	r := mux.NewRouter()
	// before the route that lists them
	r.Methods(http.MethodPost).Path(api.Root + "/mutes").Handler(d.answer("/mutes", d.postMute))
	for _, route := range routeTable {
		h := func(w http.ResponseWriter, r *http.Request, p *params) error { return route.get(d, w, r, p) }
		if route.costly {
			h = d.inTurn(h)
		}
		if !route.endless {
			h = timed(h)
		}
		names := make([]string, len(route.params))
		for i, param := range route.params {
			names[i] = param.name
		}
		r.Handle(api.Root+route.path, d.answer(route.path, func(w http.ResponseWriter, r *http.Request) error {
			return h(w, r, paramsOf(r, names...))
		}))
	}
	r.Methods(http.MethodPost).Path(api.Root + "/incidents/{id:[0-9]+}/notes").Handler(d.answer("/incidents/{id}/notes", d.postNote))
	r.Methods(http.MethodPost).Path(api.Root + "/mutes/{number:[0-9]+}/end").Handler(d.answer("/mutes/{number}/end", d.postMuteEnd))
	r.Methods(http.MethodPost).Path(api.Root + "/receivers/{name}/test").Handler(d.answer("/receivers/{name}/test", d.postReceiverTest))
	for path, file := range page {
		r.Handle(path, d.answer(path, file.serve))
	}
	r.NotFoundHandler = d.answer("", func(http.ResponseWriter, *http.Request) error { return errNotFound })
	return r
}

// maxCostly is how many requests that read much are answered at a time, not counting the page's own
// refresh. At most maxWaiting others wait for their turn, for as long as a query may take.
const (
	maxCostly  = 2
	maxWaiting = 64
)

// inTurn makes the requests of a handler take turns.
func (d *Dashboard) inTurn(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request, p *params) error {
		if !d.waiting.Enter() {
			return errQueries
		}
		defer d.waiting.Leave()
		select {
		case d.costly <- struct{}{}:
			defer func() { <-d.costly }()
			return h(w, r, p)
		case <-r.Context().Done():
			return errQueries
		}
	}
}

func timed(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request, p *params) error {
		ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
		defer cancel()
		return h(w, r.WithContext(ctx), p)
	}
}

var (
	errNotFound   = errors.New("there is nothing here; the API is below /api/v1")
	errNoIncident = errors.New("there is no such incident, or it is older than what is kept")
	errBusy       = errors.New("too many live streams; close another page or try later")
	errQueries    = errors.New("too many queries at one time; ask again later, for shorter spans or fewer dimensions")
	errStopping   = errors.New("shutting down")
	errTesting    = errors.New("another test alert is on its way; try again when it has come")
)

// answer is the only place where errors become answers. An error after the handler has begun to
// write is lost. This happens only in the stream, where it means that the reader is gone.
func (d *Dashboard) answer(route string, h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		fault, badParameter := errors.AsType[*paramError](err)
		cost, costly := errors.AsType[*model.CostError](err)
		switch {
		case err == nil:
		case badParameter:
			writeError(w, http.StatusBadRequest, api.Problem{Error: fault.Error(), Parameter: fault.name, Allowed: fault.allowed})
		case costly:
			writeError(w, http.StatusBadRequest, costProblem(cost, time.Now()))
		case errors.Is(err, model.ErrQuery):
			writeError(w, http.StatusBadRequest, api.Problem{Error: "the store cannot answer this query"})
		case errors.Is(err, errNotFound), errors.Is(err, errNoIncident), errors.Is(err, ErrNoReceiver):
			writeError(w, http.StatusNotFound, api.Problem{Error: err.Error()})
		case errors.Is(err, errBusy), errors.Is(err, errQueries), errors.Is(err, errStopping), errors.Is(err, errTesting):
			w.Header().Set("Retry-After", "5")
			writeError(w, http.StatusServiceUnavailable, api.Problem{Error: err.Error()})
		case r.Context().Err() != nil: // the client is gone
		case errors.Is(err, context.DeadlineExceeded):
			d.o.Logger.Warn("dashboard query took too long", "route", route, "limit", queryTimeout)
			writeError(w, http.StatusServiceUnavailable, api.Problem{Error: "the query took too long; ask for a shorter span"})
		case errors.Is(err, model.ErrAway):
			d.o.Logger.Warn("dashboard query", "route", route, "error", err)
			w.Header().Set("Retry-After", "5")
			writeError(w, http.StatusServiceUnavailable, api.Problem{Error: model.ErrAway.Error() + "; what is reported is judged meanwhile, and shown when it does"})
		default:
			d.o.Logger.Error("dashboard query", "route", route, "error", err)
			writeError(w, http.StatusInternalServerError, api.Problem{Error: "internal error; the log says more"})
		}
	})
}

// costProblem says which parameter of a query that would read too much must be narrowed.
func costProblem(c *model.CostError, now time.Time) api.Problem {
	switch {
	case c.By != 0:
		return api.Problem{Parameter: "by", Error: fmt.Sprintf("by makes more than %d groups; ask by fewer of %v, for one target, or with a shorter since", c.Most, c.By)}
	case !c.Since.IsZero() && now.Sub(c.Since) > time.Second:
		return api.Problem{Parameter: "since", Error: fmt.Sprintf("since makes the query read more than %d %s; now it may be %s at most",
			c.Most, c.Of, api.FormatSpan(now.Sub(c.Since).Truncate(time.Second)))}
	default:
		return api.Problem{Parameter: "since", Error: fmt.Sprintf("since makes the query read more than %d %s; ask for a shorter one", c.Most, c.Of)}
	}
}

func writeError(w http.ResponseWriter, status int, p api.Problem) {
	body, err := json.Marshal(p)
	if err != nil { // cannot happen, because it has only strings
		body = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(body, '\n')) // an error means that the client is gone
}

// writeJSON answers with v.
func writeJSON(w http.ResponseWriter, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(append(body, '\n')) // an error means that the client is gone
	return nil
}
