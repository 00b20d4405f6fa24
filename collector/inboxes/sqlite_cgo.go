//go:build cgo

package inboxes

import (
	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
)

func (s *sqlite) open(o Options) (collector.Inbox, error) {
	inbox, err := sqliteinbox.Open(o.file(s.Path), sqliteinbox.Options{MaxBytes: o.MaxBytes, MaxAge: o.MaxAge})
	if err != nil {
		return nil, err
	}
	return inbox, nil
}
