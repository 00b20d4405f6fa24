package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
)

type upCmd struct {
	Data string `help:"Data directory; made when it is missing." required:"" type:"path" placeholder:"DIR"`
}

// Run runs all roles from a data directory.
func (u *upCmd) Run(ctx context.Context, out *output) error {
	config := filepath.Join(u.Data, roles.ConfigName)
	if _, err := os.Stat(config); errors.Is(err, fs.ErrNotExist) {
		if err := roles.Init(u.Data, roles.InitOptions{}); err != nil {
			return err
		}
		fmt.Fprintf(out.stdout, "Made %s with new keys, a policy and a configuration.\n", u.Data)
	}
	return runRoles(ctx, out, config, roles.Roles{Collector: true, Detector: true, Prober: true})
}

// configFlag names the configuration of a role that runs by itself.
type configFlag struct {
	Config string `help:"Configuration file." default:"heliograph.yaml" type:"path" placeholder:"FILE"`
}

type collectorCmd struct {
	configFlag
	UntilEOF bool `name:"until-eof" hidden:"" help:"End when standard input ends: for a parent that may be killed."`
}

// Run runs a collector.
func (c *collectorCmd) Run(ctx context.Context, out *output) error {
	if c.UntilEOF {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		go func() { _, _ = io.Copy(io.Discard, os.Stdin); cancel() }() // ends with the process
	}
	return runRoles(ctx, out, c.Config, roles.Roles{Collector: true})
}

type detectorCmd struct{ configFlag }

// Run runs a detector and the dashboard.
func (d *detectorCmd) Run(ctx context.Context, out *output) error {
	return runRoles(ctx, out, d.Config, roles.Roles{Detector: true})
}

type proberCmd struct{ configFlag }

// Run runs a prober. Without a policy, which names the collectors for its results, the prober has a
// dashboard with its own heat map.
func (p *proberCmd) Run(ctx context.Context, out *output) error {
	return runRoles(ctx, out, p.Config, roles.Roles{Prober: true})
}

// linger is how long a collector tells agents that it is stopping: about the time between two
// uploads of an agent.
const linger = time.Second

// runRoles runs some roles until ctx ends.
func runRoles(ctx context.Context, out *output, config string, r roles.Roles) error {
	hangup := notifyHangup()
	c, err := roles.Load(config)
	if err != nil {
		return configError(err)
	}
	p, err := roles.New(ctx, roles.Options{Config: c, Roles: r, Logger: out.log, Level: out.level, ReopenLog: out.reopen,
		Version: version, Hangup: hangup, Linger: linger})
	switch {
	case err != nil && ctx.Err() != nil:
		return nil // told to stop while starting
	case err != nil:
		return err
	}
	if p.CollectorAddr != "" {
		fmt.Fprintf(out.stdout, "Collector   %s\n", p.CollectorAddr)
	}
	if p.DashboardAddr != "" {
		fmt.Fprintf(out.stdout, "Dashboard   http://%s/\n", p.DashboardAddr)
	}
	fmt.Fprintf(out.stdout, "Operations  http://%s/health/ready\n", p.OperationsAddr)
	return p.Run(ctx)
}

// configError is an error about a configuration: a file that is missing, or one that is wrong.
func configError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w (--config names the file; heliograph unpack brings that of a host, heliograph init makes one)", err)
	}
	if _, unreadable := errors.AsType[*fs.PathError](err); unreadable {
		return err
	}
	return &exitError{exitUsage, err.Error()}
}

// notifyHangup returns a channel that receives SIGHUP as long as the process runs, so that SIGHUP
// never kills it, however early or late it comes.
func notifyHangup() <-chan os.Signal {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	return hangup
}

type initCmd struct {
	Dir   string `arg:"" help:"Directory to make." type:"path"`
	Relay bool   `help:"Make one for a relay: its key and relay.yaml."`
}

// Run makes a data directory and says what to do next.
func (i *initCmd) Run(out *output) error {
	if i.Relay {
		return initRelay(i.Dir, out)
	}
	if err := roles.Init(i.Dir, roles.InitOptions{}); err != nil {
		return err
	}
	fmt.Fprintf(out.stdout, `Made %[1]s:
  %[2]s  the configuration: listeners, targets to probe, thresholds
  policy.yaml      what agents may collect and where they deliver; signed into policy
  policy           give this to agents: heliograph get --policy %[1]s/policy --consent diagnostics URL
  keys/            open.pem reads reports, policy.pem signs policies: keep both away from collectors' hosts

Run everything here with: heliograph up --data %[1]s
`, i.Dir, roles.ConfigName)
	return nil
}
