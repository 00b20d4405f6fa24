package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// printProbes prints the servers that are down, or the one that was asked for, with what each
// vantage saw.
func (q *queryCmd) printProbes(out *output, body []byte, now time.Time) error {
	var servers []api.Probed
	if err := json.Unmarshal(body, &servers); err != nil {
		return fmt.Errorf("reading the dashboard's answer: %w", err)
	}
	if q.Server == "" {
		servers = slices.DeleteFunc(servers, func(s api.Probed) bool { return s.Reach != model.ProbesGlobal && s.Reach != model.ProbesLocal })
	}
	switch {
	case len(servers) == 0 && q.Server != "":
		fmt.Fprintf(out.stderr, "No server %q is probed.\n", printable(q.Server))
	case len(servers) == 0:
		fmt.Fprintln(out.stderr, "No probed server is down.")
	}
	w := printer{out.stdout}
	for i := range servers {
		if err := printProbed(w, &servers[i], now); err != nil {
			return err
		}
	}
	return nil
}

// reachWords says for whom a server is down.
var reachWords = map[model.ProbeReach]string{
	model.ProbesGlobal: "is down for all", model.ProbesLocal: "is down for some", model.ProbesUp: "is up", model.ProbesUnknown: "is unknown",
}

func printProbed(w io.Writer, s *api.Probed, now time.Time) error {
	place := strings.Join(slices.DeleteFunc([]string{s.Region, s.DataCentre, s.Cluster, s.Row}, func(p string) bool { return p == "" }), "/")
	if place != "" {
		place = " in " + place
	}
	line := fmt.Sprintf("%s%s %s", s.Name, place, reachWords[s.Reach])
	if !s.Since.IsZero() {
		line += fmt.Sprintf(" since %s (%s)", s.Since.Format(time.DateTime), age(now, s.Since))
	}
	if s.Why != "" {
		line += ": " + s.Why
	}
	fmt.Fprintln(w, line)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := range s.Vantages {
		f := &s.Vantages[i]
		judgement := f.Judgement
		if f.Expired {
			judgement += ", too old"
		}
		fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\t%s ago\n", f.Vantage, networkOf(f), judgement, sawOf(f), age(now, f.At))
	}
	if len(s.Changes) > 0 {
		fmt.Fprintln(tw, "  changes:")
	}
	for i := range s.Changes {
		f := &s.Changes[i]
		fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\t%s\n", f.Vantage, networkOf(f), f.Judgement, sawOf(f), f.At.Format(time.DateTime))
	}
	return tw.Flush()
}

func networkOf(f *api.Finding) string {
	return strings.TrimSpace(fmt.Sprintf("AS%d %s", f.ASN, f.ASName))
}

// sawOf describes an attempt: how it ended, at which address, and how long each step took.
func sawOf(f *api.Finding) string {
	text := string(f.Outcome)
	if f.Phase != "" && f.Outcome != report.OK {
		text += " in " + f.Phase
	}
	if f.Server != "" {
		text += fmt.Sprintf(" at %s (IPv%d)", f.Server, f.Family)
	}
	if f.Status != 0 {
		text += fmt.Sprintf(", status %d", f.Status)
	}
	for _, s := range f.Steps {
		text += fmt.Sprintf(", %s %s ms", s.Name, shortMS(s.MS))
	}
	return text
}

// shortMS shows milliseconds to three digits.
func shortMS(ms float64) string { return fmt.Sprintf("%.3g", ms) }

// age is how long ago a time was, to the second.
func age(now, at time.Time) string { return max(now.Sub(at), 0).Round(time.Second).String() }
