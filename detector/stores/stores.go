// Package stores opens a detector's two stores, of the kind that a configuration file names. Most
// readers need [Config].
package stores

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/heliograph-net/heliograph/detector"
)

// Config says where a detector keeps what it knows, as a configuration file does: a mapping with a
// kind and what that kind needs, or the path of a file alone.
//
//	store: store.db
//	store: {kind: sqlite, path: store.db}
//	store: {kind: sqlite, path: events.db, state: state.db}
//
// The zero value is not valid; see [File].
type Config struct {
	kind  string
	store kind // nil: there is no such kind
}

// kind is one kind of store with its part of the configuration.
type kind interface {
	validate() error
	// open opens the stores; relative paths are below dir.
	open(ctx context.Context, dir string) (detector.Events, detector.State, error)
}

// kinds has a line for each kind of store: what decodes its mapping, by the name it goes by.
var kinds = map[string]func() kind{
	sqliteKind: func() kind { return new(sqlite) },
}

// File is the configuration that the path of a file alone stands for.
func File(path string) Config { return Config{sqliteKind, &sqlite{Kind: sqliteKind, Path: path}} }

// UnmarshalYAML reads either form. Its errors are those of decode; what is wrong in itself is left
// to Validate.
func (c *Config) UnmarshalYAML(decode func(any) error) error {
	var path string
	if decode(&path) == nil {
		*c = File(path)
		return nil
	}
	var fields map[string]any
	if err := decode(&fields); err != nil {
		return err
	}
	*c = Config{}
	c.kind, _ = fields["kind"].(string)
	if newKind := kinds[c.kind]; newKind != nil {
		c.store = newKind()
		return decode(c.store)
	}
	return nil
}

// Validate says what is wrong with the configuration.
func (c *Config) Validate() error {
	if c.store == nil {
		return fmt.Errorf("kind %q is not one of %s", c.kind, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	}
	return c.store.validate()
}

// Open opens both stores. Relative paths are below dir; "" is the working directory. The caller
// closes both.
func (c *Config) Open(ctx context.Context, dir string) (detector.Events, detector.State, error) {
	if err := c.Validate(); err != nil {
		return nil, nil, err
	}
	return c.store.open(ctx, dir)
}

var errNoPath = errors.New("path is missing")

// file is where a path points to.
func file(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
