// Command heliograph has all roles of Heliograph in one binary, with a subcommand for each.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"os/user"
	"reflect"
	"strconv"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/internal/logfile"
	"github.com/heliograph-net/heliograph/model"
)

// cli is the command line. Its names must not change, because scripts rely on them.
type cli struct {
	LogLevel slog.Level `help:"debug, info, warn or error." default:"info" placeholder:"LEVEL"`
	LogFile  string     `help:"Log to this file, a new one each day or 64 MiB, 7 old ones kept, instead of standard error." placeholder:"FILE"`

	Demo demoCmd `cmd:"" group:"try" help:"Stage an outage on this machine's loopback and watch it: service, clients, collectors, detector, page."`
	Up   upCmd   `cmd:"" group:"try" help:"Run all roles in one process from a data directory, which is made when it is missing."`
	Get  getCmd  `cmd:"" group:"try" help:"Fetch URLs with the agent inside: what fails is reported."`
	Sent sentCmd `cmd:"" group:"try" help:"Show what left this device and to whom, in plain words."`

	Init     initCmd     `cmd:"" group:"begin" help:"Make a data directory: keys, a signed policy, a configuration with comments."`
	Bundle   bundleCmd   `cmd:"" group:"begin" help:"Make the archive of one host, with what it may have and nothing else."`
	Unpack   unpackCmd   `cmd:"" group:"begin" help:"Unpack the archive of a host, on that host."`
	Config   configCmd   `cmd:"" group:"begin" help:"Check a configuration."`
	Password passwordCmd `cmd:"" group:"begin" help:"Read a password from standard input and print its hash, for dashboard.users."`
	Doctor   doctorCmd   `cmd:"" group:"begin" help:"Say whether the collectors really stand in another failure domain than the service, and work."`
	Policy   policyCmd   `cmd:"" group:"begin" help:"Show or sign a policy."`
	Headers  headersCmd  `cmd:"" group:"begin" help:"Print the headers with which a service asks browsers for their own reports, as text or for nginx, Caddy and Go."`

	Collector collectorCmd `cmd:"" group:"run" help:"Run a collector alone: it takes sealed reports and cannot read them."`
	Detector  detectorCmd  `cmd:"" group:"run" help:"Run the detector and the dashboard alone, fed by remote collectors."`
	Prober    proberCmd    `cmd:"" group:"run" help:"Run a prober alone: it delivers its results to the collectors, or shows them on a page of its own."`
	Relay     relayCmd     `cmd:"" group:"run" help:"Run an Oblivious HTTP relay: it keeps agents' addresses from a collector and can read nothing."`
	Heartbeat heartbeatCmd `cmd:"" group:"run" help:"Tell a prober which servers of a rack are up."`
	Health    healthCmd    `cmd:"" group:"run" help:"Ask a process on this host whether it is well: for containers' health checks."`

	Query      queryCmd      `cmd:"" group:"look" help:"Search reports, or total them."`
	Heatmap    heatmapCmd    `cmd:"" group:"look" help:"Draw the servers' heat map, or what changed in it, as text, PNG or SVG."`
	Quarantine quarantineCmd `cmd:"" group:"look" help:"Show the batches that the detector could not use, or try them again."`
	Gate       gateCmd       `cmd:"" group:"look" help:"Say whether a release is worse than the one before, for delivery pipelines: exit 0 healthy, 1 worse, 3 too little data."`
	Incident   incidentCmd   `cmd:"" group:"look" help:"Say that you have taken an incident over, write a note on it, or tell the public."`
	Mute       muteCmd       `cmd:"" group:"look" help:"Have nobody alerted of incidents within a scope for a while: servers, targets or networks, for planned work."`
	Alert      alertCmd      `cmd:"" group:"look" help:"Try who is told of incidents."`

	Rotate  rotateCmd  `cmd:"" group:"keep" help:"Give an installation a new key, in the operator's directory, and end the old one when its time is over."`
	Revoke  revokeCmd  `cmd:"" group:"keep" help:"Take a host out of an installation, in the operator's directory."`
	Backup  backupCmd  `cmd:"" group:"keep" help:"Copy the detector's store while it runs."`
	Restore restoreCmd `cmd:"" group:"keep" help:"Put a copy of the detector's store into its place."`
	Migrate migrateCmd `cmd:"" group:"keep" help:"Move the reports of an SQLite file into ClickHouse. An interrupted run is resumed by the next."`
	Repair  repairCmd  `cmd:"" group:"keep" help:"Rebuild a damaged inbox or store from what can be read of it."`

	Simulate simulateCmd `cmd:"" group:"judge" help:"Invent the reports of a population of users, fault by fault, with the truth beside them."`
	Replay   replayCmd   `cmd:"" group:"judge" help:"Run the judgement over a file of reports: what would have been raised, and when."`

	Completion completionCmd `cmd:"" group:"shell" help:"Say how the shell completes commands and flags: bash, zsh, fish."`
	Man        manCmd        `cmd:"" group:"shell" help:"Print the manual page: heliograph man | man -l -"`
	Version    versionCmd    `cmd:"" group:"shell" help:"Print the version, as --version does."`
}

// groups are the headings of --help, in the order in which a newcomer needs them.
var groups = []kong.Group{
	{Key: "try", Title: "Try it:"},
	{Key: "begin", Title: "Make an installation:"},
	{Key: "run", Title: "Run a host:"},
	{Key: "look", Title: "Look at it:"},
	{Key: "keep", Title: "Keep it:"},
	{Key: "judge", Title: "Try the judgement on data:"},
	{Key: "shell", Title: "This program:"},
}

// output is where commands write.
type output struct {
	stdout, stderr io.Writer
	log            *slog.Logger
	level          *slog.LevelVar // of log
	reopen         func() error   // opens the log's file again; nil if the log is not a file
}

// longestRequest is how long a request lasts at most whose sender has set no limit: libraries, such
// as the chats of shoutrrr, use http.DefaultClient, which waits for ever.
const longestRequest = time.Minute

func main() {
	http.DefaultClient.Timeout = longestRequest
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// newParser makes the parser of the command line.
func newParser(ctx context.Context, c *cli, more ...kong.Option) (*kong.Kong, error) {
	return kong.New(c, append(more, kong.Name("heliograph"),
		kong.Description("Client-side error reporting: what your servers cannot see."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.ExplicitGroups(groups),
		kong.Vars{"dims": model.AllDimensions.String(), "version": versionText(),
			"min_width": strconv.Itoa(heatmap.MinWidth), "max_width": strconv.Itoa(heatmap.MaxWidth), "max_svg": strconv.Itoa(heatmap.MaxSVG)},
		kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(decodeSpan)),
		kong.BindTo(ctx, (*context.Context)(nil)))...)
}

// run does the work of main and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	var c cli
	exited, raw := -1, stderr
	stderr = printer{raw}
	parser, err := newParser(ctx, &c, kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }))
	if err != nil {
		fmt.Fprintln(stderr, "heliograph:", err)
		return exitUsage
	}
	kongcompletion.Register(parser)
	if exited >= 0 { // a shell has asked for completions
		return exited
	}
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "--version": // no flag of all commands, because gate has one with a value
		args = []string{"version"}
	}
	k, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "heliograph: %v\nSee heliograph --help.\n", err)
		return exitUsage
	}
	logTo, level, reopen := raw, new(slog.LevelVar), (func() error)(nil)
	if level.Set(c.LogLevel); c.LogFile != "" {
		file, err := logfile.Open(logfile.Options{Path: c.LogFile})
		if err != nil {
			fmt.Fprintln(stderr, "heliograph:", err)
			return exitUsage // not what was asked for has failed, which stops a release
		}
		defer file.Close()
		logTo, reopen = file, file.Reopen
	}
	log := slog.New(slog.NewJSONHandler(logTo, &slog.HandlerOptions{Level: level}))
	err = k.Run(&output{stdout, stderr, log, level, reopen})
	if exit, ok := errors.AsType[*exitError](err); ok {
		if exit.text != "" {
			fmt.Fprintln(stderr, "heliograph:", exit.text)
		}
		return exit.code
	}
	if err != nil {
		fmt.Fprintf(stderr, "heliograph: %v%s\n", err, denied(err))
		return exitFailed
	}
	return 0
}

// denied says who was denied a file, if that is what an error is about: files of a service belong
// to a user of its own.
func denied(err error) string {
	path, ok := errors.AsType[*fs.PathError](err)
	if !ok || !errors.Is(path, fs.ErrPermission) {
		return ""
	}
	who := "this user"
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	return fmt.Sprintf(" (%s runs this and may not; heliograph unpack gives a host's files the owner of their directory)", who)
}
