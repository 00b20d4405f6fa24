//go:build cgo

package roles

import (
	"context"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/sqlitestore"
)

func openSQLiteStore(ctx context.Context, c *Config) (detector.Events, detector.State, error) {
	events, state, err := sqlitestore.Open(ctx, c.File(c.Detector.Store.Path))
	if err != nil {
		return nil, nil, err // not a nil pointer in an interface
	}
	return events, state, nil
}
