// Package sqliteinbox keeps a collector's batches in one SQLite file: WAL, synchronous=FULL, one
// writer, readers of their own.
//
// Most readers need Open. A committed group has been synced to disk when Commit returns; neither a
// crash of the process nor, as far as the disk keeps its word, of the machine loses it. What all
// readers have acknowledged is freed; its ids are kept for Options.Retention, as far as there is
// room for them, so that a replay stays a duplicate. The file does not shrink: its free pages are
// used again.
//
// A part of the disk is kept in a file beside it, "-reserve". It is given up when the disk is full,
// so that what readers acknowledge can always be freed, and made again afterwards.
package sqliteinbox

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/internal/wallclock"
)

// MinBytes is the least Options.MaxBytes.
const MinBytes = 1 << 20

const (
	defaultMaxBytes  = 4 << 30
	defaultRetention = 7 * 24 * time.Hour
	defaultMaxAge    = 30 * 24 * time.Hour
)

// Options of an Inbox. The zero value is good.
type Options struct {
	// bytes in use at which the inbox is full; at least MinBytes. 0 means 4 GiB. The write-ahead
	// log comes on top: some MiB
	MaxBytes int64
	// how long ids are remembered after their receipt, but no more of them than fit into a quarter
	// of MaxBytes. 0 means 7 days. Those of batches that are not acknowledged stay
	Retention time.Duration
	// batches that no detector has acknowledged for so long are dropped and counted. 0
	// means 30 days
	MaxAge time.Duration
	Logger *slog.Logger // nil: logs nothing

	clock wallclock.Source // nil: the system's; for tests
}

// Inbox is a collector.Inbox in one SQLite file. Safe for concurrent use.
type Inbox struct {
	o       Options
	db      *sqlitedb.DB
	writer  *sql.Conn // the one connection of db.Writer
	readers *sql.DB   // db.Readers
	disk    *disk
	ages    ages
	// bytes of a group that found no room: nothing is taken until there are so many
	wanted    atomic.Int64
	unwritten atomic.Int64          // of the ledger, as of the last look
	damaged   atomic.Pointer[error] // the first error that says so

	mu     sync.Mutex // held while the writer is in use; owns what follows
	direct statements
	ledger ledger
	budget int64 // bytes that may be added before the file is measured again

	cursorsMu sync.Mutex        // not mu: a disk that hangs must not keep Stats waiting
	cursors   map[string]cursor // owned by cursorsMu; by reader

	changedMu sync.Mutex
	changed   chan struct{} // owned by changedMu; closed and replaced by Commit
}

var _ collector.Inbox = (*Inbox)(nil)

// Open opens the inbox at path and makes the file (mode 0600) when it is missing; its directory
// must exist. The error wraps ErrSchema for a file of a newer release or one that is no inbox, and
// sqlitedb.ErrDamaged for one that is damaged.
func Open(path string, o Options) (*Inbox, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("inbox options: %w", err)
	}
	i := &Inbox{o: o, changed: make(chan struct{}), disk: newDisk(path, o.MaxBytes, o.Logger)}
	i.ledger.direct, i.ledger.rows = &i.direct, indexRows
	if err := i.open(path); err != nil {
		return nil, errors.Join(fmt.Errorf("opening inbox %s: %w", path, err), i.Close())
	}
	return i, nil
}

func (o *Options) validate() error {
	var faults []error
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.clock == nil {
		o.clock = wallclock.System()
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultMaxBytes
	}
	if o.Retention == 0 {
		o.Retention = defaultRetention
	}
	if o.MaxAge == 0 {
		o.MaxAge = defaultMaxAge
	}
	if o.MaxBytes < MinBytes {
		faults = append(faults, fmt.Errorf("MaxBytes must be at least %d, is %d", MinBytes, o.MaxBytes))
	}
	if o.Retention < 0 || o.MaxAge < 0 {
		faults = append(faults, fmt.Errorf("retention and MaxAge must not be negative, are %v and %v", o.Retention, o.MaxAge))
	}
	return errors.Join(faults...)
}

// Changed implements collector.Inbox.
func (i *Inbox) Changed() <-chan struct{} {
	i.changedMu.Lock()
	defer i.changedMu.Unlock()
	return i.changed
}

func (i *Inbox) announce() {
	i.changedMu.Lock()
	defer i.changedMu.Unlock()
	close(i.changed)
	i.changed = make(chan struct{})
}

// Close implements collector.Inbox.
func (i *Inbox) Close() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.db == nil {
		return nil
	}
	if err := errors.Join(i.direct.close(), i.closeWriter(), i.db.Close()); err != nil {
		return fmt.Errorf("closing inbox: %w", err)
	}
	return nil
}

// closeWriter gives the connection back to its pool; a second time it does nothing.
func (i *Inbox) closeWriter() error {
	if i.writer == nil {
		return nil
	}
	if err := i.writer.Close(); !errors.Is(err, sql.ErrConnDone) {
		return err
	}
	return nil
}
