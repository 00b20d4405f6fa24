package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/detector/internal/rollups"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
)

// file is an SQLite file for one or two stores. It is safe for concurrent use.
type file struct {
	db      *sqlitedb.DB
	readers *sql.DB // db.Own: for the detector's own queries
	asked   *sql.DB // db.Readers: for people's queries
	// held by queries that read much, so that one connection of asked is always left for others
	costly chan struct{}

	mu       sync.Mutex // held while writing; guards the following fields
	users    int        // number of open stores
	names    *names
	live     live
	errorKey rollups.ErrorKey
	// the write-ahead log may still contain deleted data
	unwiped bool

	unwritten atomic.Bool           // there may be cells that are not in table cells
	unsettled atomic.Pointer[error] // why the latest cells could not be written; nil: they could
	damaged   atomic.Pointer[error] // the first error that says so
}

// openFile opens the file for a number of stores. It creates the file with mode 0600 if it
// is missing.
func openFile(ctx context.Context, path string, users int) (*file, error) {
	db, err := sqlitedb.Open(ctx, path, options)
	if err != nil {
		return nil, fmt.Errorf("opening store %s: %w", path, err)
	}
	f := &file{db: db, readers: db.Own, asked: db.Readers, costly: make(chan struct{}, maxCostly), users: users, names: newNames()}
	f.unwritten.Store(true) // there may be some of a process before
	return f, nil
}

// maxCostly is how many queries that read much may run at the same time.
const maxCostly = 3

// askMuch waits for the turn of a query that reads much. If err is nil, the caller must call
// done afterwards.
func (f *file) askMuch(ctx context.Context) (done func(), err error) {
	select {
	case f.costly <- struct{}{}:
		return func() { <-f.costly }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for other queries: %w", ctx.Err())
	}
}

// release closes the file if no other store uses it.
func (f *file) release() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.users--; f.users > 0 {
		return nil
	}
	if err := f.db.Close(); err != nil {
		return fmt.Errorf("closing store: %w", err)
	}
	return nil
}

// handle is one store's share of a file.
type handle struct {
	*file
	closed atomic.Bool
}

// Close implements detector.Events and detector.State. The file is closed with the last of its
// stores.
func (h *handle) Close() error {
	if h.closed.Swap(true) {
		return nil
	}
	return h.release()
}

// write is like file.write. It fails if the store is closed.
func (h *handle) write(ctx context.Context, doing string, do func(*sql.Tx) error) error {
	if h.closed.Load() {
		return fmt.Errorf("%s: the store is closed", doing)
	}
	return h.file.write(ctx, doing, do)
}

// Ready implements detector.Events and detector.State by really writing.
func (h *handle) Ready(ctx context.Context) error {
	if err := h.damaged.Load(); err != nil {
		return *err
	}
	if err := h.db.Intact(); err != nil {
		return fmt.Errorf("checking store: %w", err)
	}
	if err := h.unsettled.Load(); err != nil {
		return fmt.Errorf("answers lack the latest sums: %w", *err)
	}
	return h.write(ctx, "checking store", func(tx *sql.Tx) error {
		_, err := tx.Exec("UPDATE state SET checked = ?", time.Now().UnixMilli())
		return err
	})
}

// write runs do in one durable transaction, without any other writer.
func (f *file) write(ctx context.Context, doing string, do func(*sql.Tx) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := sqlitedb.Transact(ctx, f.db.Writer, do); err != nil {
		f.forget() // the failed transaction may have added some
		return f.named(doing, err)
	}
	f.unsettled.Store(nil)
	f.unwritten.Store(!f.live.read || f.live.pages > 0)
	return nil
}

// named adds to an error what was being done. It remembers the first error that says that the file
// is damaged.
func (f *file) named(doing string, err error) error {
	err = sqlitedb.Doing(doing, err)
	if errors.Is(err, sqlitedb.ErrDamaged) {
		f.damaged.CompareAndSwap(nil, &err)
	}
	return err
}

// forget clears what is known of the stored rows, because some may have been deleted.
func (f *file) forget() {
	f.names.forget()
	f.live.forget()
	f.unwritten.Store(true)
}
