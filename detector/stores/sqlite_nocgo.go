//go:build !cgo

package stores

import (
	"context"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/internal/configkind"
	"github.com/heliograph-net/heliograph/internal/salvage"
)

func (*sqlite) open(context.Context, string) (detector.Events, detector.State, error) {
	return nil, nil, configkind.ErrNoSQLite
}

func (*sqlite) repair(context.Context, string, func(string, int64)) ([]*salvage.Report, error) {
	return nil, configkind.ErrNoSQLite
}

func (*sqlite) backup(context.Context, string, string) ([]string, error) {
	return nil, configkind.ErrNoSQLite
}

func (*sqlite) restore(context.Context, string, string) ([]string, error) {
	return nil, configkind.ErrNoSQLite
}
