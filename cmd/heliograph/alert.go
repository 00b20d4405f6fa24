package main

import (
	"context"
	"errors"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
)

// alertCmd has the commands about alerts.
type alertCmd struct {
	Test alertTestCmd `cmd:"" help:"Send a test alert and its end to the receivers, and say what became of it."`
}

type alertTestCmd struct {
	configFlag
	jsonFlag
	Receivers []string `arg:"" optional:"" help:"Names of receivers; all when none is given."`
}

// Run sends the alert. The exit code is 0 if every receiver has accepted it.
func (a *alertTestCmd) Run(ctx context.Context, out *output) error {
	c, err := roles.Load(a.Config)
	if err != nil {
		return err
	}
	if !a.JSON {
		return roles.TestAlerts(ctx, c, out.stdout, a.Receivers...)
	}
	results := []alertResult{}
	err = roles.EachTestAlert(ctx, c, a.Receivers, func(receiver string, failed error) {
		r := alertResult{Receiver: receiver, OK: failed == nil}
		if failed != nil {
			r.Error = failed.Error()
		}
		results = append(results, r)
	})
	return errors.Join(out.json(results), err)
}

// alertResult is what became of a test alert, in JSON.
type alertResult struct {
	Receiver string `json:"receiver"`
	OK       bool   `json:"ok"`
	Error    string `json:"error,omitempty"`
}
