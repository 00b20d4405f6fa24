//go:build cgo

package inboxes

import (
	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/internal/configkind"
)

func (s *sqlite) open(o Options) (collector.Inbox, error) {
	inbox, err := sqliteinbox.Open(configkind.Below(o.Dir, s.Path), sqliteinbox.Options{MaxBytes: o.MaxBytes, MaxAge: o.MaxAge, Logger: o.Logger})
	if err != nil {
		return nil, err // not a nil pointer in an interface
	}
	return inbox, nil
}
