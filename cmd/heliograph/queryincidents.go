package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
)

// mentioned is the most incidents that are named before a table of something else.
const mentioned = 5

// mention names the incidents of a time below the headline. It is silent if there are none, or if
// the dashboard does not say: the table is what was asked for.
func mention(ctx context.Context, client *api.Client, since time.Duration, w io.Writer) {
	all, err := client.Incidents(ctx, since)
	if err != nil {
		return
	}
	for _, i := range all[:min(len(all), mentioned)] {
		fmt.Fprintf(w, "  incident %d, %s: %s\n", i.ID, lasted(&i), i.Title)
	}
	if more := len(all) - mentioned; more > 0 {
		fmt.Fprintf(w, "  and %d more: heliograph query --incidents --since %s\n", more, api.FormatSpan(since))
	}
}

// lasted says since when an incident is open, or when it began and how long it was.
func lasted(i *api.Incident) string {
	since := i.Since.UTC().Format(time.DateTime) + " UTC"
	if i.Until.IsZero() {
		return "open since " + since
	}
	return "over, " + since + " for " + i.Until.Sub(i.Since).Round(time.Second).String()
}

// taken says who has taken an incident over, and which ones it repeats.
func taken(i *api.Incident) (text string) {
	for _, n := range i.Notes {
		if n.Kind == api.NoteAck {
			text += " [taken over by " + cmp.Or(n.Who, "somebody") + "]"
			break
		}
	}
	if i.Muted != nil {
		text += " [muted until " + i.Muted.Until.UTC().Format(time.DateTime) + "]"
	}
	if len(i.Earlier) > 0 {
		text += fmt.Sprintf(" [again: like %d]", i.Earlier[0])
	}
	return text
}

// printIncidents prints incidents as a table, in the order of the API: the open ones first. Times
// are UTC.
func printIncidents(w io.Writer, all []api.Incident) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "ID\tSINCE\tUNTIL\tVERDICT\tALERTS\tCLIENTS\tWHAT")
	for _, i := range all {
		until, alerts := "open", "no"
		if !i.Until.IsZero() {
			until = i.Until.UTC().Format(time.DateTime)
		}
		if i.Page {
			alerts = "yes"
		}
		fmt.Fprintf(tw, "%d\t%s\t%s\t%s\t%s\t%d\t%s\n", i.ID, i.Since.UTC().Format(time.DateTime), until, cmp.Or(string(i.Verdict), "-"), alerts, i.Clients,
			strings.Join(strings.Fields(printable(i.Title+taken(&i))), " "))
	}
	return tw.Flush()
}
