//go:build cgo

package inboxes

import (
	"context"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/internal/configkind"
	"github.com/heliograph-net/heliograph/internal/salvage"
)

func (s *sqlite) open(o Options) (collector.Inbox, error) {
	inbox, err := sqliteinbox.Open(configkind.Below(o.Dir, s.Path), sqliteinbox.Options{MaxBytes: o.MaxBytes, MaxAge: o.MaxAge, Logger: o.Logger})
	if err != nil {
		return nil, err // not a nil pointer in an interface
	}
	return inbox, nil
}

func (s *sqlite) repair(ctx context.Context, dir string, progress func(table string, rows int64)) ([]*salvage.Report, error) {
	r, err := sqliteinbox.Repair(ctx, configkind.Below(dir, s.Path), progress)
	if err != nil {
		return nil, err
	}
	return []*salvage.Report{r}, nil
}
