//go:build cgo

package stores

import (
	"context"
	"errors"
	"path/filepath"

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

// files are the store's files below dir: the state first, because a copy of the events may be newer
// than one of the state, whose cursor then leads to what is known already. The other way round,
// what came in between would be lost.
func (s *sqlite) files(dir string) (all []string) {
	for _, path := range []string{s.State, s.Path} {
		if path != "" {
			all = append(all, configkind.Below(dir, path))
		}
	}
	return all
}

func (s *sqlite) backup(ctx context.Context, dir, to string) (made []string, err error) {
	for _, path := range s.files(dir) {
		copied := filepath.Join(to, filepath.Base(path))
		if err := sqlitestore.Backup(ctx, path, copied); err != nil {
			return made, err
		}
		made = append(made, copied)
	}
	return made, nil
}

func (s *sqlite) restore(ctx context.Context, dir, from string) (aside []string, err error) {
	for _, path := range s.files(dir) {
		kept, err := sqlitestore.Restore(ctx, filepath.Join(from, filepath.Base(path)), path)
		if err != nil {
			return aside, err
		}
		if kept != "" {
			aside = append(aside, kept)
		}
	}
	return aside, nil
}
