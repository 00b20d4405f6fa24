package main

import (
	"context"
	"fmt"
	"os/user"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
)

type incidentCmd struct {
	Ack  incidentAckCmd  `cmd:"" help:"Say that you have taken an incident over."`
	Note incidentNoteCmd `cmd:"" help:"Write a note on an incident."`

	Mute   incidentMuteCmd   `cmd:"" help:"Have nobody alerted of an incident for a while. Those who know of it are told when it is over."`
	Unmute incidentUnmuteCmd `cmd:"" help:"Let alerts of an incident go on."`

	Tell     incidentTellCmd     `cmd:"" help:"Tell the public about an incident, on the status page."`
	Resolve  incidentResolveCmd  `cmd:"" help:"Tell the public that an incident is over."`
	Withdraw incidentWithdrawCmd `cmd:"" help:"Take an incident off the status page."`
}

// noteFlags are the flags of commands that write on incidents.
type noteFlags struct {
	apiFlag
	ID  int64  `arg:"" help:"Number of the incident: heliograph query --incidents."`
	Who string `help:"Who writes; by default the account on this machine. A dashboard with logins knows better." placeholder:"NAME"`
}

type incidentAckCmd struct {
	noteFlags
	Text string `arg:"" optional:"" help:"What you are going to do."`
}

type incidentNoteCmd struct {
	noteFlags
	Text string `arg:"" help:"What was found or done."`
}

type incidentMuteCmd struct {
	noteFlags
	Text string `arg:"" name:"reason" help:"Why nobody needs to be alerted."`
	For  string `help:"How long, from 1m to 7d. When it ends and the incident goes on, alerts go on." default:"1h" placeholder:"SPAN"`
}

type incidentUnmuteCmd struct{ noteFlags }

type incidentResolveCmd struct {
	noteFlags
	Text string `arg:"" optional:"" help:"What the public reads; \"This is over.\" if nothing is given."`
}

type incidentTellCmd struct {
	noteFlags
	Text string `arg:"" help:"What the public reads: plain words, nothing of a client or network that you do not want to name."`
}

type incidentWithdrawCmd struct{ noteFlags }

// Run tells the public.
func (c *incidentTellCmd) Run(ctx context.Context, out *output) error {
	return c.write(ctx, out, api.NewNote{Kind: api.NotePublic, Text: c.Text})
}

// Run mutes an incident.
func (c *incidentMuteCmd) Run(ctx context.Context, out *output) error {
	return c.write(ctx, out, api.NewNote{Kind: api.NoteMute, Text: c.Text, For: c.For})
}

// Run ends the mute of an incident.
func (c *incidentUnmuteCmd) Run(ctx context.Context, out *output) error {
	return c.write(ctx, out, api.NewNote{Kind: api.NoteUnmute})
}

// Run tells the public that an incident is over.
func (c *incidentResolveCmd) Run(ctx context.Context, out *output) error {
	return c.write(ctx, out, api.NewNote{Kind: api.NoteResolved, Text: c.Text})
}

// Run takes an incident off the status page.
func (c *incidentWithdrawCmd) Run(ctx context.Context, out *output) error {
	return c.write(ctx, out, api.NewNote{Kind: api.NotePrivate})
}

// Run acknowledges an incident.
func (c *incidentAckCmd) Run(ctx context.Context, out *output) error {
	return c.write(ctx, out, api.NewNote{Kind: api.NoteAck, Text: c.Text})
}

// Run adds a note to an incident.
func (c *incidentNoteCmd) Run(ctx context.Context, out *output) error {
	return c.write(ctx, out, api.NewNote{Kind: api.NoteText, Text: c.Text})
}

func (c *noteFlags) write(ctx context.Context, out *output, n api.NewNote) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	n.Who = writerName(c.Who)
	added, err := client.AddNote(ctx, c.ID, n)
	if err != nil {
		return explain(err)
	}
	until := ""
	if !added.Until.IsZero() {
		until = " until " + added.Until.UTC().Format(time.DateTime) + " UTC"
	}
	fmt.Fprintf(out.stdout, "incident %d: %s %d by %s%s\n", c.ID, added.Kind, added.Number, printable(added.Who), until)
	return nil
}

// writerName returns who writes: who is named, or the account on this machine.
func writerName(named string) string {
	if named != "" {
		return named
	}
	if account, err := user.Current(); err == nil {
		return account.Username
	}
	return ""
}
