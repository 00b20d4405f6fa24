//go:build !cgo

package inboxes

import (
	"errors"

	"github.com/heliograph-net/heliograph/collector"
)

func (*sqlite) open(Options) (collector.Inbox, error) {
	return nil, errors.New("this build has no SQLite: rebuild with CGO_ENABLED=1")
}
