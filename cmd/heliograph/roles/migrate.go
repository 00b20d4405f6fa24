package roles

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/heliograph-net/heliograph/detector/stores"
)

// Migrate moves the reports of an SQLite file into the ClickHouse that the configuration in a file
// names. No detector may be running.
func Migrate(ctx context.Context, config string, m stores.Migration) (*stores.MigrationReport, error) {
	c, err := Load(config)
	if err != nil {
		return nil, err
	}
	if m.From != "" {
		if m.From, err = filepath.Abs(m.From); err != nil {
			return nil, err
		}
	}
	report, err := c.Detector.Store.Migrate(ctx, c.dir, m)
	if err != nil {
		return report, fmt.Errorf("detector.store: %w", err)
	}
	return report, nil
}
