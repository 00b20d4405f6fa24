// Package inboxes opens a collector's inbox of the kind that a configuration file names. Most
// readers need [Config].
package inboxes

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/collector"
)

// Config is an inbox as a configuration file describes it: a mapping with a kind and what that kind
// needs, or the path of a file alone.
//
//	inbox: inbox.db
//	inbox: {kind: sqlite, path: inbox.db}
//
// The zero value is not valid; see [File].
type Config struct {
	kind  string
	inbox kind // nil: there is no such kind
}

// Options are what all kinds of inboxes have in common.
type Options struct {
	Dir      string // relative paths are below it; "": the working directory
	MaxBytes int64  // bytes at which the inbox is full. 0 means the kind's default
	// of batches that not all detectors have taken; older ones are dropped. 0 means the kind's
	// default
	MaxAge time.Duration
}

// kind is one kind of inbox with its part of the configuration.
type kind interface {
	validate() error
	open(Options) (collector.Inbox, error)
}

// kinds has a line for each kind of inbox: what decodes its mapping, by the name it goes by.
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
		c.inbox = newKind()
		return decode(c.inbox)
	}
	return nil
}

// Validate says what is wrong with the configuration.
func (c *Config) Validate() error {
	if c.inbox == nil {
		return fmt.Errorf("kind %q is not one of %s", c.kind, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	}
	return c.inbox.validate()
}

// Open opens the inbox. The caller closes it.
func (c *Config) Open(o Options) (collector.Inbox, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return c.inbox.open(o)
}

var errNoPath = errors.New("path is missing")

// file is where a path points to.
func (o *Options) file(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(o.Dir, path)
}
