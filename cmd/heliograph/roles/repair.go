package roles

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/heliograph-net/heliograph/internal/salvage"
)

// Repair repairs the inbox and the store of a data directory, if they exist and are damaged. If the
// directory has no configuration, Repair uses the default names. It calls progress about every
// second.
func Repair(ctx context.Context, dir string, progress func(file, table string, rows int64)) (all []*salvage.Report, err error) {
	c, err := Load(filepath.Join(dir, ConfigName))
	if errors.Is(err, fs.ErrNotExist) {
		c, err = parse(filepath.Join(dir, ConfigName), nil)
	}
	if err != nil {
		return nil, err
	}
	type repair func(context.Context, string, func(string, int64)) ([]*salvage.Report, error)
	for _, part := range []struct {
		name   string
		repair repair
	}{{"inbox", c.Collector.Inbox.Repair}, {"store", c.Detector.Store.Repair}} {
		some, err := part.repair(ctx, c.dir, func(table string, rows int64) { progress(part.name, table, rows) })
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return all, fmt.Errorf("%s: %w", part.name, err)
		}
		all = append(all, some...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s holds neither an inbox nor a store", dir)
	}
	return all, nil
}
