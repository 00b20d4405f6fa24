package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/report"
)

// apiFlag is the flag for the URL of the dashboard's API.
type apiFlag struct {
	API string `help:"Base URL of the dashboard." default:"http://127.0.0.1:8418" placeholder:"URL"`
}

// client is a client of the dashboard.
func (a apiFlag) client() (*api.Client, error) {
	c, err := api.NewClient(a.API, nil)
	if err != nil {
		return nil, fmt.Errorf("--api: %w", err)
	}
	return c, nil
}

// explain adds to an error of the API the flag at fault, or what to do.
func explain(err error) error {
	fault, ok := errors.AsType[*api.Error](err)
	switch {
	case ok && fault.Status == http.StatusBadRequest && fault.Problem.Parameter != "":
		return fmt.Errorf("--%s", fault.Problem.Error)
	case ok && fault.Status == http.StatusUnauthorized:
		return fmt.Errorf("%w (this command has no login: docs/access.md says how programs ask)", err)
	case errors.Is(err, api.ErrUnreachable):
		return fmt.Errorf("%w (is `heliograph up` running? --api names another address)", err)
	default:
		return err
	}
}

// spanFlag is a duration, or days such as 7d.
type spanFlag time.Duration

// UnmarshalText reads the flag.
func (s *spanFlag) UnmarshalText(text []byte) error {
	d, err := api.ParseSpan(string(text))
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is not a span such as 90s, 15m, 24h or 7d", text)
	}
	*s = spanFlag(d)
	return nil
}

type queryCmd struct {
	apiFlag
	Probes bool            `help:"Why servers are down, since when, and what each vantage of the probers saw." xor:"what"`
	Server string          `help:"With --probes, one server, also if it is up, and its changes." placeholder:"NAME"`
	By     []api.Dimension `xor:"what" help:"Totals by these dimensions instead of single reports: ${dims}." placeholder:"DIM"`
	Type   string          `help:"Outcome, or a prefix of outcomes: tls, tls.cert."`
	Target string          `help:"Origin: https://shop.example."`
	Search string          `help:"Single reports with these fields and words: version:1.5.0 timeout; docs/api.md lists the fields." xor:"what" placeholder:"TEXT"`
	Since  spanFlag        `help:"How far back: 90s, 15m, 24h, 7d; by default 15m, 1h with --history, 7d with --errors, and 24h for a server's changes." placeholder:"SPAN"`
	Limit  int             `help:"At most so many rows." default:"50"`
	JSON   bool            `name:"json" help:"Print the API's JSON."`

	History string `help:"Sums by minute or hour instead, also by version and os, further back: m or h." enum:",m,h" default:"" placeholder:"m|h"`
	Errors  bool   `help:"Causes of application errors instead, with the releases they were first and last seen in." xor:"what"`
	App     string `help:"With --history and --errors, of this application."`
	Version string `help:"With --history, of this version; with --errors, those that are new in it." name:"app-version"`

	Incidents bool `help:"The incidents of that time instead, the open ones and the newest first." xor:"what"`
}

// defaultSpan is how far back totals and reports go.
const defaultSpan = 15 * time.Minute

// span returns how far back the query goes.
func (q *queryCmd) span() time.Duration {
	switch {
	case q.Since != 0:
		return time.Duration(q.Since)
	case q.Errors:
		return 7 * 24 * time.Hour
	case q.History != "":
		return time.Hour
	default:
		return defaultSpan
	}
}

// ask returns the path and the parameters of the request.
func (q *queryCmd) ask() (path string, params url.Values, err error) {
	since, outcome := q.span(), report.Outcome(q.Type)
	if q.Probes {
		since = time.Duration(q.Since)
	}
	switch {
	case q.Server != "" && !q.Probes:
		return "", nil, errors.New("--server: goes with --probes")
	case q.Probes && (q.Type != "" || q.Target != ""):
		return "", nil, errors.New("--probes: takes --server, --since and --limit")
	case q.Probes:
		return "/probes", api.ProbesQuery{Server: q.Server, Since: since, Limit: q.Limit}.Values(), nil
	case q.Incidents && (q.Type != "" || q.Target != ""):
		return "", nil, errors.New("--incidents: takes --since only; leave --type and --target out")
	case q.Incidents:
		return "/incidents", url.Values{"since": {api.FormatSpan(since)}}, nil
	case (q.App != "" || q.Version != "") && q.History == "" && !q.Errors:
		return "", nil, errors.New("--app and --app-version: go with --history or --errors")
	case q.Errors && (q.Type != "" || q.Target != "" || q.History != ""):
		return "", nil, errors.New("--errors: takes --app, --app-version, --since and --limit")
	case q.Errors:
		return "/errors", api.AppErrorsQuery{App: q.App, NewIn: q.Version, Since: since, Limit: q.Limit}.Values(), nil
	case q.Search != "" && q.History != "":
		return "", nil, errors.New("--search: goes with --type, --target, --since and --limit")
	case q.History != "":
		return "/history", api.HistoryQuery{Since: since, Hours: q.History == "h", By: q.By, App: q.App, Version: q.Version, Type: outcome, Target: q.Target}.Values(), nil
	case len(q.By) == 0:
		return "/reports", api.ReportsQuery{Text: q.Search, Type: outcome, Target: q.Target, Since: since, Limit: q.Limit}.Values(), nil
	default:
		return "/totals", api.TotalsQuery{By: q.By, Type: outcome, Target: q.Target, Since: since, Limit: q.Limit}.Values(), nil
	}
}

// Run prints totals or samples as a table.
func (q *queryCmd) Run(ctx context.Context, out *output) error {
	client, err := q.client()
	if err != nil {
		return err
	}
	path, params, err := q.ask()
	if err != nil {
		return err
	}
	body, suppressed, err := client.GetShown(ctx, path, params)
	if err != nil {
		return explain(err)
	}
	if suppressed > 0 {
		fmt.Fprintf(out.stderr, "Not shown: %d sums of fewer clients than the dashboard shows (dashboard.least_clients).\n", suppressed)
	}
	if q.JSON {
		_, err := out.stdout.Write(body)
		return err
	}
	if q.Probes {
		return q.printProbes(out, body, time.Now())
	}
	if q.Incidents {
		var all []api.Incident
		if err := json.Unmarshal(body, &all); err != nil {
			return fmt.Errorf("reading the dashboard's answer: %w", err)
		}
		return printIncidents(out.stdout, all)
	}
	rows, err := q.rows(body)
	if err != nil {
		return err
	}
	now, err := client.Now(ctx)
	if err == nil { // older dashboards have none
		fmt.Fprintf(out.stderr, "%s: %s\n", now.State, now.Headline)
		mention(ctx, client, q.span(), out.stderr)
	}
	if len(rows) == 0 {
		fmt.Fprintf(out.stderr, "Nothing in the last %s.\n", api.FormatSpan(q.span()))
		if path == "/reports" && err == nil && now.State != api.Calm {
			fmt.Fprintln(out.stderr, "Single reports come from users who allow diagnostics; heliograph query --by type,target totals those of all.")
		}
		return nil
	}
	return printTable(out.stdout, rows, q.columns())
}

// rows returns the rows of an answer.
func (q *queryCmd) rows(body []byte) (rows []map[string]any, err error) {
	var answer struct {
		Rows   []map[string]any `json:"rows"`
		Errors []map[string]any `json:"errors"`
	}
	into := any(&rows)
	if q.History != "" || q.Errors {
		into = &answer
	}
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.UseNumber()
	if err := dec.Decode(into); err != nil {
		return nil, fmt.Errorf("reading the dashboard's answer: %w", err)
	}
	return append(append(rows, answer.Rows...), answer.Errors...), nil
}

// columns returns the members that the table shows.
func (q *queryCmd) columns() []string {
	switch {
	case q.Errors:
		return []string{"last", "app", "error_type", "type", "first_version", "last_version", "count", "clients", "fingerprint"}
	case q.History != "":
		columns := []string{"at"}
		for _, d := range q.By {
			columns = append(columns, string(d))
		}
		return append(columns, "ok", "failed", "reports", "clients")
	case len(q.By) > 0:
		columns := make([]string, len(q.By))
		for i, d := range q.By {
			columns[i] = string(d)
		}
		return append(columns, "ok", "failed", "clipped", "clients", "places")
	}
	switch outcome := report.Outcome(q.Type); {
	case outcome.Under("app"):
		return []string{"at", "type", "error_type", "count", "message", "app", "version", "os", "country", "fingerprint"}
	case outcome.Under("browser"):
		return []string{"at", "type", "error_type", "count", "url", "message", "stack", "app", "version", "os", "country"}
	default:
		return []string{"at", "type", "url", "status", "server", "asn", "country", "app", "elapsed_ms"}
	}
}

// printTable prints the named members of rows. A member that is absent or empty is printed as "-".
func printTable(w io.Writer, rows []map[string]any, columns []string) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.ToUpper(strings.Join(columns, "\t")))
	for _, row := range rows {
		cells := make([]string, len(columns))
		for i, c := range columns {
			if cells[i] = "-"; row[c] != nil && row[c] != "" {
				// a message may have lines
				cells[i] = strings.Join(strings.Fields(printable(fmt.Sprint(row[c]))), " ")
			}
		}
		fmt.Fprintln(tw, strings.Join(cells, "\t"))
	}
	return tw.Flush()
}
