package roles

import (
	"context"
	"fmt"
	"os"
)

// Backup copies the store of the detector whose configuration is in a file into a new directory.
// Processes may use the store meanwhile. Backup returns the names of the copies.
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
		_ = os.Remove(dir) // if the directory is empty, so that the next attempt may use its name
		return made, fmt.Errorf("detector.store: %w", err)
	}
	return made, nil
}

// Restore replaces the detector's store by a copy. No detector may be using the store. Restore
// returns the new names of the files that it has replaced.
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
