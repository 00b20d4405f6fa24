//go:build cgo

package inboxes

import (
	"errors"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteledger"
	"github.com/heliograph-net/heliograph/internal/configkind"
)

func (n *nats) open(o Options) (collector.Inbox, error) {
	ledger, err := sqliteledger.Open(configkind.Below(o.Dir, n.Ledger), sqliteledger.Options{})
	if err != nil {
		return nil, err
	}
	queue, err := n.openQueue(o)
	if err != nil {
		return nil, errors.Join(err, ledger.Close())
	}
	return collector.Join(queue, ledger), nil
}
