package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// apiFlag is where commands that read find the dashboard's API.
type apiFlag struct {
	API string `help:"Base URL of the dashboard." default:"http://127.0.0.1:8418" placeholder:"URL"`
}

const maxAnswer = 64 << 20 // bytes of one API answer

// fetch gets a path of the API. The body must be closed. Errors say what was asked and what to do.
func (a apiFlag) fetch(ctx context.Context, path string, query url.Values) (io.ReadCloser, error) {
	base, err := url.Parse(a.API)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("--api: %q is not a URL such as http://127.0.0.1:8418", a.API)
	}
	u := base.JoinPath(path)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking the dashboard: %w (is `heliograph up` running? --api names another address)", err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		return nil, fmt.Errorf("the dashboard answered %s to %s: %s", resp.Status, u.Path, strings.TrimSpace(string(text)))
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxAnswer), resp.Body}, nil
}

type queryCmd struct {
	apiFlag
	By     []string      `help:"Totals by these dimensions instead of single reports: ${dims}." placeholder:"DIM"`
	Type   string        `help:"Outcome, or a prefix of outcomes: tls, tls.cert."`
	Target string        `help:"Origin: https://shop.example."`
	Since  time.Duration `help:"How far back." default:"15m"`
	Limit  int           `help:"At most so many reports." default:"50"`
	JSON   bool          `name:"json" help:"Print the API's JSON."`
}

// Run prints totals or samples as a table.
func (q *queryCmd) Run(ctx context.Context, out *output) error {
	path, params := "/api/v1/reports", url.Values{"since": {q.Since.String()}, "limit": {strconv.Itoa(q.Limit)}}
	if len(q.By) > 0 {
		if q.Type != "" || q.Target != "" {
			return errors.New("--by does not go with --type and --target: totals are of all reports")
		}
		path, params = "/api/v1/totals", url.Values{"since": {q.Since.String()}, "by": {strings.Join(q.By, ",")}}
	}
	if q.Type != "" {
		params.Set("type", q.Type)
	}
	if q.Target != "" {
		params.Set("target", q.Target)
	}
	body, err := q.fetch(ctx, path, params)
	if err != nil {
		return err
	}
	defer body.Close()
	if q.JSON {
		_, err := io.Copy(out.stdout, body)
		return err
	}
	var rows []map[string]any
	dec := json.NewDecoder(body)
	dec.UseNumber()
	if err := dec.Decode(&rows); err != nil {
		return fmt.Errorf("reading the dashboard's answer: %w", err)
	}
	if len(rows) == 0 {
		fmt.Fprintf(out.stderr, "Nothing in the last %v.\n", q.Since)
		return nil
	}
	if len(q.By) > 0 {
		return printTable(out.stdout, rows, append(slices.Clone(q.By), "ok", "failed", "clients"))
	}
	if report.Outcome(q.Type).Under("app") {
		return printTable(out.stdout, rows, []string{"at", "type", "error_type", "count", "message", "app", "version", "os", "country", "fingerprint"})
	}
	if report.Outcome(q.Type).Under("browser") {
		return printTable(out.stdout, rows, []string{"at", "type", "error_type", "count", "url", "message", "stack", "app", "version", "os", "country"})
	}
	return printTable(out.stdout, rows, []string{"at", "type", "url", "status", "server", "asn", "country", "app", "elapsed_ms"})
}

func printTable(w io.Writer, rows []map[string]any, columns []string) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.ToUpper(strings.Join(columns, "\t")))
	for _, row := range rows {
		cells := make([]string, len(columns))
		for i, c := range columns {
			if cells[i] = "-"; row[c] != nil && row[c] != "" {
				// a message may have lines
				cells[i] = strings.Join(strings.Fields(fmt.Sprint(row[c])), " ")
			}
		}
		fmt.Fprintln(tw, strings.Join(cells, "\t"))
	}
	return tw.Flush()
}
