package main

import (
	"context"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
)

// alertCmd has the commands about alerts.
type alertCmd struct {
	Test alertTestCmd `cmd:"" help:"Send a test alert and its end to the receivers, and say what became of it."`
}

type alertTestCmd struct {
	configFlag
	Receivers []string `arg:"" optional:"" help:"Names of receivers; all when none is given."`
}

// Run sends the alert. The exit code is 0 if every receiver has accepted it.
func (a *alertTestCmd) Run(ctx context.Context, out *output) error {
	c, err := roles.Load(a.Config)
	if err != nil {
		return err
	}
	return roles.TestAlerts(ctx, c, out.stdout, a.Receivers...)
}
