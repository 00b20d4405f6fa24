// Package sqliteinbox is a [collector.Inbox] in one SQLite file. Start with [Open].
//
// It uses a write-ahead log with synchronous=FULL, one connection that writes, and others that
// read. When Commit returns, the group is synced to disk and survives a crash of the process and,
// if the disk is honest about syncs, of the machine. Batches that all readers have acknowledged are
// deleted. Their ids are kept for Options.Retention, as far as there is room, so that a batch that
// is sent again is recognized. The file does not shrink; its free pages are reused.
//
// A second file, with the suffix "-reserve", reserves a part of the disk. It is removed when the
// disk is full, so that acknowledged batches can always be deleted, and created again afterwards.
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

// MinBytes is the smallest valid Options.MaxBytes.
const MinBytes = 1 << 20

const (
	defaultMaxBytes  = 4 << 30
	defaultRetention = 7 * 24 * time.Hour
	defaultMaxAge    = 30 * 24 * time.Hour
)

// Options are the options of an [Inbox]. The zero value is valid.
type Options struct {
	// size at which the inbox is full, in bytes, at least MinBytes. 0 means 4 GiB. The write-ahead
	// log needs some MiB more
	MaxBytes int64
	// how long the ids of acknowledged batches are remembered after they were received, but at most
	// as many as fit into a quarter of MaxBytes. 0 means 7 days
	Retention time.Duration
	// age at which batches that not all detectors have acknowledged are dropped and counted. 0
	// means 30 days
	MaxAge time.Duration
	Logger *slog.Logger // nil: no logging

	clock wallclock.Source // nil: the system's; for tests
}

// Inbox is a [collector.Inbox] in one SQLite file. It is safe for concurrent use.
type Inbox struct {
	o       Options
	db      *sqlitedb.DB
	writer  *sql.Conn // the one connection of db.Writer
	readers *sql.DB   // db.Readers
	disk    *disk
	ages    *wallclock.Ages // whether batches may be dropped for their age
	// bytes of a refused group: nothing is accepted until there is so much room
	wanted    atomic.Int64
	unwritten atomic.Int64          // of the ledger, when it was last measured
	damaged   atomic.Pointer[error] // the first error that says so

	mu     sync.Mutex // held while the writer is in use; guards the following fields
	direct statements
	ledger ledger
	rows   inserter
	keys   []key // of the present commit
	budget int64 // bytes that may be added before the file is measured again

	name   string // of this opening
	opened uint64 // the newest seq at that time

	cursorsMu sync.Mutex        // not mu, because a hanging disk must not block Stats
	cursors   map[string]cursor // guarded by cursorsMu; by reader

	changedMu sync.Mutex
	changed   chan struct{} // guarded by changedMu; closed and replaced by Commit
}

var _ collector.Inbox = (*Inbox)(nil)

// Open opens the inbox at path. If there is no file, Open creates one with mode 0600; its directory
// must exist. The error wraps [ErrSchema] if the file is of a newer release or is not an inbox, and
// sqlitedb.ErrDamaged if it is damaged.
func Open(path string, o Options) (*Inbox, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("inbox options: %w", err)
	}
	i := &Inbox{o: o, changed: make(chan struct{}), disk: newDisk(path, o.MaxBytes, o.Logger)}
	i.ledger.fresh = newKeyset(0)
	i.ledger.direct, i.ledger.rows, i.rows.direct = &i.direct, indexRows, &i.direct
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

// Incarnation returns a random name that the inbox has until it is closed, and the newest seq that
// it knew when it was opened. A reader that has another name and a cursor beyond that seq has read
// a copy that is lost.
func (i *Inbox) Incarnation() (name string, head uint64) { return i.name, i.opened }

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

// closeWriter returns the connection to its pool. A second call does nothing.
func (i *Inbox) closeWriter() error {
	if i.writer == nil {
		return nil
	}
	if err := i.writer.Close(); !errors.Is(err, sql.ErrConnDone) {
		return err
	}
	return nil
}
