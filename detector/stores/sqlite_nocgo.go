//go:build !cgo

package stores

import (
	"context"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/internal/configkind"
)

func (*sqlite) open(context.Context, string) (detector.Events, detector.State, error) {
	return nil, nil, configkind.ErrNoSQLite
}
