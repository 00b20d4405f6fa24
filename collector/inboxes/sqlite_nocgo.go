//go:build !cgo

package inboxes

import (
	"context"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/internal/configkind"
	"github.com/heliograph-net/heliograph/internal/salvage"
)

func (*sqlite) open(Options) (collector.Inbox, error) { return nil, configkind.ErrNoSQLite }

func (*sqlite) repair(context.Context, string, func(string, int64)) ([]*salvage.Report, error) {
	return nil, configkind.ErrNoSQLite
}
