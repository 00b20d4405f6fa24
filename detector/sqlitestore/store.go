// Package sqlitestore has the stores of a detector in SQLite files. Start with [Open].
//
// [Events] and [State] are the two stores. [Open] opens both in one file, and [OpenEvents] and
// [OpenState] open each in its own file. A file has a write-ahead log with synchronous=FULL, one
// connection that writes, and others that read. When a method that writes returns, its data is
// synced to disk. A crash at any moment leaves either all or nothing of it.
package sqlitestore

import (
	"context"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/internal/rollups"
)

// Events is a detector.Events in an SQLite file.
type Events struct {
	handle
	*rollups.Pages
}

// State is a detector.State in an SQLite file.
type State struct{ handle }

var (
	_ detector.Events = (*Events)(nil)
	_ detector.State  = (*State)(nil)
)

// Open opens both stores in the file at path. If there is no file, Open creates one with mode 0600;
// its directory must exist. The caller must close both stores. A file of an older release is
// upgraded. The error may be [ErrSchema].
func Open(ctx context.Context, path string) (*Events, *State, error) {
	f, err := openFile(ctx, path, 2)
	if err != nil {
		return nil, nil, err
	}
	return newEvents(f), &State{handle{file: f}}, nil
}

// OpenEvents is like [Open], for a file that has only the events.
func OpenEvents(ctx context.Context, path string) (*Events, error) {
	f, err := openFile(ctx, path, 1)
	if err != nil {
		return nil, err
	}
	return newEvents(f), nil
}

func newEvents(f *file) *Events {
	s := &Events{handle: handle{file: f}}
	s.Pages = rollups.NewPages(f.readers, s.write, addRollups)
	return s
}

// OpenState is like [Open], for a file that has only the state.
func OpenState(ctx context.Context, path string) (*State, error) {
	f, err := openFile(ctx, path, 1)
	if err != nil {
		return nil, err
	}
	return &State{handle{file: f}}, nil
}
