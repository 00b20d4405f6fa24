package roles

import (
	"context"
	"fmt"
	"os"
)

// Backup copies the detector's store, of the configuration in a file, into a new directory, while
// processes may use the store. It returns the names of the copies.
func Backup(ctx context.Context, config, dir string) (made []string, err error) {
	c, err := Load(config)
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of the copy: %w", err)
	}
	made, err = c.Detector.Store.Backup(ctx, c.dir, dir)
	if err != nil {
		_ = os.Remove(dir) // if it is empty: the next attempt may use the name
		return made, fmt.Errorf("detector.store: %w", err)
	}
	return made, nil
}

// Restore puts a copy into the place of the detector's store. No detector may use it. It returns the
// names under which the files that were there are kept.
func Restore(ctx context.Context, config, dir string) (aside []string, err error) {
	c, err := Load(config)
	if err != nil {
		return nil, err
	}
	if aside, err = c.Detector.Store.Restore(ctx, c.dir, dir); err != nil {
		return aside, fmt.Errorf("detector.store: %w", err)
	}
	return aside, nil
}
