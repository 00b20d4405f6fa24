//go:build !cgo

package stores

import (
	"context"
	"errors"

	"github.com/heliograph-net/heliograph/detector"
)

func (*sqlite) open(context.Context, string) (detector.Events, detector.State, error) {
	return nil, nil, errors.New("this build has no SQLite: rebuild with CGO_ENABLED=1")
}
