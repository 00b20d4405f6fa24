package stores

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Migration moves the reports of an SQLite file into ClickHouse.
type Migration struct {
	// From is the path of the file; "" means that of the state, which has both if it was the only
	// file of a detector.
	From   string
	DryRun bool // only looks
	// Delete deletes the reports from the file once they are in ClickHouse. There is no way back
	// then.
	Delete bool
	// Progress is called after each step of some megabytes. It may be nil.
	Progress func(p MigrationProgress)
}

// MigrationProgress is how far a migration has come.
type MigrationProgress struct {
	Part        string // what is being moved
	Done, Total int64  // rows of all parts
	Before      int64  // of Done: moved by a run that was interrupted
	Checking    bool   // everything is moved, and is being compared
	Deleting    bool   // it is the same, and is being deleted from the file
}

// MigrationReport is what a migration has done, or has found in a dry run.
type MigrationReport struct {
	From   string
	Server string    // the version of ClickHouse
	Ended  time.Time // of a migration before; zero: none has ended
	Parts  []MigratedPart
	Moved  int64         // rows that this run has moved,
	Took   time.Duration // in so much time, without comparing them
	// Deleted says that the file has no reports any more.
	Deleted bool
}

// MigratedPart is a kind of rows.
type MigratedPart struct {
	Name string
	Rows int64
	Days int // that were compared
}

// Errors of a migration.
var (
	// ErrChanged says that a file was written to after its migration began.
	ErrChanged = errors.New("the file has changed since the migration began")
	// ErrDiffers says that ClickHouse does not have what the file has.
	ErrDiffers = errors.New("ClickHouse does not have what the file has")
)

// Migrate moves the reports of an SQLite file into the ClickHouse that the configuration names.
// Relative paths are below dir. No detector may run. After an interruption, another call goes on.
func (c *Config) Migrate(ctx context.Context, dir string, m Migration) (*MigrationReport, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s, ok := c.choice.Options.(*split)
	if !ok {
		return nil, fmt.Errorf("the configuration does not name ClickHouse: write where reports are to be, store: {events: {kind: %s, ...}, state: ...}", clickhouseKind)
	}
	if m.Progress == nil {
		m.Progress = func(MigrationProgress) {}
	}
	return s.migrate(ctx, dir, m)
}
