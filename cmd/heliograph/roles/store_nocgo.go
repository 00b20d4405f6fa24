//go:build !cgo

package roles

import (
	"context"
	"errors"

	"github.com/heliograph-net/heliograph/detector"
)

func openSQLiteStore(context.Context, *Config) (detector.Events, detector.State, error) {
	return nil, nil, errors.New("this build has no SQLite: rebuild with CGO_ENABLED=1")
}
