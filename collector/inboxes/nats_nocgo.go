//go:build !cgo

package inboxes

import (
	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/internal/configkind"
)

func (*nats) open(Options) (collector.Inbox, error) { return nil, configkind.ErrNoSQLite }
