package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
)

type muteCmd struct {
	Add  muteAddCmd  `cmd:"" help:"Have nobody alerted of incidents within a scope for a while, from now on or from a time on: for planned work. An incident that hits more than the scope alerts as ever."`
	List muteListCmd `cmd:"" help:"Show the mutes by scope that hold or are planned, and those that ended within a day."`
	End  muteEndCmd  `cmd:"" help:"End a mute by scope before its time. Incidents that go on are told again."`
}

type muteAddCmd struct {
	apiFlag
	Server  []string `help:"Servers: a pattern of addresses, hosts, names, or of places such as east/web; * stands for any characters. May be repeated." placeholder:"PATTERN" sep:"none"`
	Target  string   `help:"Targets: a pattern of origins, such as https://shop.example, or collector:c1." placeholder:"PATTERN"`
	App     string   `help:"Applications: a pattern of names." placeholder:"PATTERN"`
	ASN     []uint32 `help:"Networks of clients: the number of an autonomous system. May be repeated." placeholder:"N"`
	Country []string `help:"Countries of clients: two capital letters. May be repeated." placeholder:"CC"`

	For    string `help:"How long, from 1m to 7d. When it ends and an incident goes on, it is told again." default:"1h" placeholder:"SPAN"`
	Start  atFlag `help:"When it begins, such as 2026-12-01T22:00:00+01:00, at most 90 days ahead; now if not given." placeholder:"TIME"`
	Who    string `help:"Who mutes; by default the account on this machine. A dashboard with logins knows better." placeholder:"NAME"`
	Reason string `arg:"" help:"Why nobody needs to be alerted."`
}

// Validate is called with the command line.
func (c *muteAddCmd) Validate() error {
	if c.App == "" && c.Target == "" && len(c.Server) == 0 && len(c.ASN) == 0 && len(c.Country) == 0 {
		return errors.New("say what is muted: --server, --target, --app, --asn or --country")
	}
	return nil
}

// atFlag is a time.
type atFlag time.Time

// UnmarshalText reads the flag.
func (a *atFlag) UnmarshalText(text []byte) error {
	at, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf("%q is not a time such as 2026-12-01T22:00:00+01:00", text)
	}
	*a = atFlag(at)
	return nil
}

type muteListCmd struct {
	apiFlag
	jsonFlag
}

type muteEndCmd struct {
	apiFlag
	Who    string `help:"Who ends it; by default the account on this machine." placeholder:"NAME"`
	Number int64  `arg:"" help:"Number of the mute: heliograph mute list."`
}

// Run adds a mute by scope.
func (c *muteAddCmd) Run(ctx context.Context, out *output) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	added, err := client.AddMute(ctx, api.NewMute{App: c.App, Target: c.Target, Servers: c.Server, ASNs: c.ASN, Countries: c.Country,
		Start: time.Time(c.Start), For: c.For, Reason: c.Reason, Who: writerName(c.Who)})
	if err != nil {
		return explainMute(err)
	}
	return printMutes(out.stdout, []api.ScopeMute{added})
}

// Run lists mutes by scope.
func (c *muteListCmd) Run(ctx context.Context, out *output) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	all, err := client.Mutes(ctx, 0)
	if err != nil {
		return explain(err)
	}
	if c.JSON {
		return out.json(all)
	}
	if len(all) == 0 {
		fmt.Fprintln(out.stdout, "no mutes by scope")
		return nil
	}
	return printMutes(out.stdout, all)
}

// Run ends a mute by scope.
func (c *muteEndCmd) Run(ctx context.Context, out *output) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	ended, err := client.EndMute(ctx, c.Number, api.EndMute{Who: writerName(c.Who)})
	if err != nil {
		return explainMute(err)
	}
	return printMutes(out.stdout, []api.ScopeMute{ended})
}

// explainMute says what the dashboard does not take; it names parts of a mute and not flags.
func explainMute(err error) error {
	if fault, ok := errors.AsType[*api.Error](err); ok && fault.Status == http.StatusBadRequest && fault.Problem.Error != "" {
		return errors.New(fault.Problem.Error)
	}
	return explain(err)
}

// printMutes prints mutes as a table. Times are UTC.
func printMutes(w io.Writer, all []api.ScopeMute) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "MUTE\tSTATE\tSTART\tEND\tWHO\tWHAT\tREASON")
	for _, m := range all {
		fmt.Fprintf(tw, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", m.Number, m.State, m.Start.UTC().Format(time.DateTime), m.End.UTC().Format(time.DateTime), oneLine(m.Who), oneLine(m.Words), oneLine(m.Reason))
	}
	return tw.Flush()
}

func oneLine(text string) string { return strings.Join(strings.Fields(printable(text)), " ") }
