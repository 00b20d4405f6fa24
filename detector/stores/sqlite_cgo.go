//go:build cgo

package stores

import (
	"context"
	"errors"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
	"github.com/heliograph-net/heliograph/internal/configkind"
	"github.com/heliograph-net/heliograph/internal/salvage"
)

func (s *sqlite) open(ctx context.Context, dir string) (detector.Events, detector.State, error) {
	if s.State == "" {
		events, state, err := sqlitestore.Open(ctx, configkind.Below(dir, s.Path))
		if err != nil {
			return nil, nil, err // not a nil pointer in an interface
		}
		return events, state, nil
	}
	events, err := sqlitestore.OpenEvents(ctx, configkind.Below(dir, s.Path))
	if err != nil {
		return nil, nil, err
	}
	state, err := sqlitestore.OpenState(ctx, configkind.Below(dir, s.State))
	if err != nil {
		return nil, nil, errors.Join(err, events.Close())
	}
	return events, state, nil
}

func (s *sqlite) repair(ctx context.Context, dir string, progress func(table string, rows int64)) (all []*salvage.Report, err error) {
	for _, path := range []string{s.Path, s.State} {
		if path == "" {
			continue
		}
		r, err := sqlitestore.Repair(ctx, configkind.Below(dir, path), progress)
		if err != nil {
			return all, err
		}
		all = append(all, r)
	}
	return all, nil
}
