// Package sqlitestore keeps what a detector knows in SQLite: WAL, synchronous=FULL, one writer,
// readers of their own.
//
// [Events] and [State] are two stores. Most readers need [Open], which has both in one file;
// [OpenEvents] and [OpenState] have each in a file of its own. What a writing method has stored has
// been synced to disk when it returns: a crash at any instant leaves all of it or nothing.
package sqlitestore

import (
	"context"

	"github.com/heliograph-net/heliograph/detector"
)

// Events is a detector.Events in an SQLite file.
type Events struct{ handle }

// State is a detector.State in an SQLite file.
type State struct{ handle }

var (
	_ detector.Events = (*Events)(nil)
	_ detector.State  = (*State)(nil)
)

// Open opens both stores in the file at path and makes the file (0600) when it is missing; its
// directory must exist. Both must be closed. A file of an older release is brought to this one's
// form. Errors: ErrSchema.
func Open(ctx context.Context, path string) (*Events, *State, error) {
	f, err := openFile(ctx, path, 2)
	if err != nil {
		return nil, nil, err
	}
	return &Events{handle{file: f}}, &State{handle{file: f}}, nil
}

// OpenEvents is as Open for a file that has the events only.
func OpenEvents(ctx context.Context, path string) (*Events, error) {
	f, err := openFile(ctx, path, 1)
	if err != nil {
		return nil, err
	}
	return &Events{handle{file: f}}, nil
}

// OpenState is as Open for a file that has the state only.
func OpenState(ctx context.Context, path string) (*State, error) {
	f, err := openFile(ctx, path, 1)
	if err != nil {
		return nil, err
	}
	return &State{handle{file: f}}, nil
}
