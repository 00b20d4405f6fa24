//go:build cgo

package stores

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/clickhousestore"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/internal/configkind"
	"github.com/heliograph-net/heliograph/internal/salvage"
)

func (s *split) open(ctx context.Context, dir string) (detector.Events, detector.State, error) {
	o, err := s.options(dir)
	if err != nil {
		return nil, nil, err
	}
	events, err := clickhousestore.Open(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	state, err := sqlitestore.OpenState(ctx, configkind.Below(dir, s.State))
	if err != nil {
		return nil, nil, errors.Join(err, events.Close())
	}
	return events, state, nil
}

// file is the state alone. The journal is neither copied nor put back: an old one has what
// ClickHouse has already, which would be inserted again.
func (s *split) file() *sqlite { return &sqlite{Path: s.State} }

func (s *split) repair(ctx context.Context, dir string, progress func(table string, rows int64)) ([]*salvage.Report, error) {
	return s.file().repair(ctx, dir, progress)
}

func (s *split) backup(ctx context.Context, dir, to string) (made []string, err error) {
	return s.file().backup(ctx, dir, to)
}

func (s *split) restore(ctx context.Context, dir, from string) (aside []string, err error) {
	return s.file().restore(ctx, dir, from)
}

func see(ctx context.Context, o clickhousestore.Options) (*Look, error) {
	found, err := clickhousestore.See(ctx, o)
	l := &Look{Address: o.Address, Database: cmp.Or(o.Database, clickhousestore.DefaultDatabase), Server: found.Server, Tables: found.Tables, Known: found.Known, Rows: found.Rows, Clock: found.Clock}
	if err == nil && found.Tables > found.Known {
		err = fmt.Errorf("%w: the database has version %d, this release knows %d", clickhousestore.ErrSchema, found.Tables, found.Known)
	}
	if err == nil {
		err = clickhousestore.Try(ctx, o)
	}
	return l, err
}
