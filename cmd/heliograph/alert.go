package main

import (
	"context"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
)

// alertCmd is about who is told of incidents.
type alertCmd struct {
	Test alertTestCmd `cmd:"" help:"Send a test alert and its end to the receivers, and say what became of it."`
}

type alertTestCmd struct {
	configFlag
	Receivers []string `arg:"" optional:"" help:"Names of receivers; all when none is given."`
}

// Run sends the alert. It exits 0 when every receiver has taken it.
func (a *alertTestCmd) Run(ctx context.Context, out *output) error {
	c, err := roles.Load(a.Config)
	if err != nil {
		return err
	}
	return roles.TestAlerts(ctx, c, out.stdout, a.Receivers...)
}
