// Package inboxes opens a collector's inbox of the kind that a configuration file names. Start with
// [Config]. A new kind of inbox is a package of its own and a file here.
package inboxes

import (
	"context"
	"log/slog"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/internal/configkind"
	"github.com/heliograph-net/heliograph/internal/salvage"
)

// Config is an inbox as a configuration file describes it: a mapping with the kind and its options,
// or only the path of a file.
//
//	inbox: inbox.db
//	inbox: {kind: sqlite, path: inbox.db}
//	inbox: {kind: nats, servers: ["nats://127.0.0.1:4222"], stream: c1}
//
// The zero value is not valid; see [File].
type Config struct{ choice configkind.Choice[kind] }

// Options are what all kinds of inboxes have in common.
type Options struct {
	Dir string // relative paths are below it; "": the working directory
	// MaxBytes is the size at which the inbox is full. 0: the kind's default.
	MaxBytes int64
	// MaxAge is how long the inbox keeps batches that not all detectors have acknowledged. 0: the
	// kind's default.
	MaxAge time.Duration
	Logger *slog.Logger // nil: logs nothing
}

// kind is the part of the configuration that belongs to one kind of inbox.
type kind interface {
	configkind.Options
	open(Options) (collector.Inbox, error)
	repair(ctx context.Context, dir string, progress func(table string, rows int64)) ([]*salvage.Report, error)
}

// kinds has a line for each kind of inbox.
var kinds = configkind.Kinds[kind]{
	natsKind:   newNATS,
	sqliteKind: func() kind { return new(sqlite) },
}

// File returns the configuration that the path of a file stands for.
func File(path string) Config { return Config{fileChoice(path)} }

func fileChoice(path string) configkind.Choice[kind] {
	return configkind.Choose[kind](sqliteKind, &sqlite{Path: path})
}

// UnmarshalYAML reads either form. It returns the errors of decode. Everything else that may be
// wrong is left to [Config.Validate].
func (c *Config) UnmarshalYAML(decode func(any) error) (err error) {
	c.choice, err = kinds.Decode(decode, fileChoice)
	return err
}

// Validate says what is wrong with the configuration.
func (c *Config) Validate() error { return kinds.Validate(c.choice) }

// Open opens the inbox. The caller closes it.
func (c *Config) Open(o Options) (collector.Inbox, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return c.choice.Options.open(o)
}

// Repair repairs the files of the inbox, and says what became of each that is there. No process may
// use them. progress is called about every second; it may be nil.
func (c *Config) Repair(ctx context.Context, dir string, progress func(table string, rows int64)) ([]*salvage.Report, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return c.choice.Options.repair(ctx, dir, progress)
}
