//go:build !cgo

package stores

import (
	"context"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/clickhousestore"
	"github.com/heliograph-net/heliograph/internal/configkind"
	"github.com/heliograph-net/heliograph/internal/salvage"
)

func (*split) open(context.Context, string) (detector.Events, detector.State, error) {
	return nil, nil, configkind.ErrNoSQLite
}

func (*split) repair(context.Context, string, func(string, int64)) ([]*salvage.Report, error) {
	return nil, configkind.ErrNoSQLite
}

func (*split) backup(context.Context, string, string) ([]string, error) {
	return nil, configkind.ErrNoSQLite
}

func (*split) restore(context.Context, string, string) ([]string, error) {
	return nil, configkind.ErrNoSQLite
}

func (*split) migrate(context.Context, string, Migration) (*MigrationReport, error) {
	return nil, configkind.ErrNoSQLite
}

func see(context.Context, clickhousestore.Options) (*Look, error) { return nil, configkind.ErrNoSQLite }
