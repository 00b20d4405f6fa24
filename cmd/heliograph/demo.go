package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/heliograph-net/heliograph/cmd/heliograph/demo"
)

type demoCmd struct {
	Once     bool   `help:"Play the script once, check everything, and exit 0 only if all of it was right."`
	Realtime bool   `help:"In the defaults of agents and detectors: windows of a minute, bins of ten seconds. Prints how long each alert takes; a round takes a quarter of an hour."`
	Listen   string `help:"Address of the dashboard." default:"127.0.0.1:8418" placeholder:"HOST:PORT"`
	Page     string `help:"Address of the page that you may break in your browser, on loopback; there is none with --once." default:"127.0.0.1:8420" placeholder:"HOST:PORT"`
}

// Run stages the outage.
func (d *demoCmd) Run(ctx context.Context, out *output) error {
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	log := out.log
	// the timeline says what happens, and warnings are part of the script
	if !log.Enabled(ctx, slog.LevelDebug) {
		log = slog.New(slog.NewJSONHandler(out.stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	}
	if d.Once {
		d.Page = ""
	}
	return demo.Run(ctx, demo.Options{Once: d.Once, Realtime: d.Realtime, Listen: d.Listen, Page: d.Page, Executable: executable, Out: out.stdout, Log: log})
}
