// Package stores opens the two stores of a detector, of the kind that a configuration file names.
// Start with [Config]. A new kind of store is a package of its own and a file here.
package stores

import (
	"context"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/internal/configkind"
	"github.com/heliograph-net/heliograph/internal/salvage"
)

// Config says where a detector stores events and state, as a configuration file describes it: a
// mapping with the kind and its options, or only the path of a file.
//
//	store: store.db
//	store: {kind: sqlite, path: store.db}
//	store: {kind: sqlite, path: events.db, state: state.db}
//	store: {events: {kind: clickhouse, address: "127.0.0.1:9000"}, state: state.db}
//
// The zero value is not valid; see [File].
type Config struct{ choice configkind.Choice[kind] }

// kind is the part of the configuration that belongs to one kind of store.
type kind interface {
	configkind.Options
	// open opens the stores; relative paths are below dir.
	open(ctx context.Context, dir string) (detector.Events, detector.State, error)
	repair(ctx context.Context, dir string, progress func(table string, rows int64)) ([]*salvage.Report, error)
	// backup copies the files into the directory to, restore puts such copies in their place.
	backup(ctx context.Context, dir, to string) (made []string, err error)
	restore(ctx context.Context, dir, from string) (aside []string, err error)
}

// kinds has a line for each kind of store.
var kinds = configkind.Kinds[kind]{
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
	var fields map[string]any
	if decode(&fields) == nil && fields["events"] != nil {
		options := newSplit()
		c.choice = configkind.Choose[kind](clickhouseKind, options)
		return decode(options)
	}
	c.choice, err = kinds.Decode(decode, fileChoice)
	return err
}

// Validate says what is wrong with the configuration.
func (c *Config) Validate() error { return kinds.Validate(c.choice) }

// Open opens both stores. Relative paths are below dir; "" is the working directory. The caller
// closes both.
func (c *Config) Open(ctx context.Context, dir string) (detector.Events, detector.State, error) {
	if err := c.Validate(); err != nil {
		return nil, nil, err
	}
	return c.choice.Options.open(ctx, dir)
}

// Repair repairs the files of the stores, and says what became of each. No process may use them.
// progress is called about every second; it may be nil.
func (c *Config) Repair(ctx context.Context, dir string, progress func(table string, rows int64)) ([]*salvage.Report, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return c.choice.Options.repair(ctx, dir, progress)
}

// Backup copies the stores into the directory to, while processes may use them, and returns the
// names of the copies. It overwrites nothing.
func (c *Config) Backup(ctx context.Context, dir, to string) (made []string, err error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return c.choice.Options.backup(ctx, dir, to)
}

// Restore puts the copies in the directory from into the place of the stores, which no process may
// use, and returns the names under which the files that were there are kept.
func (c *Config) Restore(ctx context.Context, dir, from string) (aside []string, err error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return c.choice.Options.restore(ctx, dir, from)
}
