package main

import (
	"context"
	"fmt"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
)

type relayCmd struct {
	Config string `help:"Configuration file." default:"relay.yaml" type:"path" placeholder:"FILE"`
}

// Run runs a relay.
func (r *relayCmd) Run(ctx context.Context, out *output) error {
	hangup := notifyHangup()
	c, err := roles.LoadRelay(r.Config)
	if err != nil {
		return configError(err)
	}
	n, err := roles.NewRelay(roles.RelayOptions{Config: c, Logger: out.log, Level: out.level, ReopenLog: out.reopen, Hangup: hangup, Version: version})
	if err != nil {
		return err
	}
	fmt.Fprintf(out.stdout, "Relay       %s, to %s\nOperations  http://%s/health/ready\n", n.RelayAddr, c.Gateway, n.OperationsAddr)
	return n.Run(ctx)
}

// initRelay makes a relay's directory and says what to do next.
func initRelay(dir string, out *output) error {
	if err := roles.InitRelay(dir); err != nil {
		return err
	}
	fmt.Fprintf(out.stdout, `Made %[1]s:
  %[2]s          which collector it forwards to, and its listeners
  keys/relay.pub.pem  give this to the collector's operator, for relay_keys
  keys/relay.pem      signs what the collector is told of clients: keep it here

Run it with: heliograph relay --config %[1]s/%[2]s
`, dir, roles.RelayConfigName)
	return nil
}
