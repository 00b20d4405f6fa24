// Package sqlitestore keeps what a detector knows in one SQLite file: WAL, synchronous=FULL, one
// writer, readers of their own.
//
// Most readers need Open. What Ingest stored has been synced to disk when it returns, together with
// the cursor: a crash at any instant leaves both or neither.
package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
)

// Store is a detector.Store in one SQLite file. It is safe for concurrent use.
type Store struct {
	path    string
	db      *sqlitedb.DB
	readers *sql.DB // db.Readers

	mu     sync.Mutex // held by whoever writes; owns what follows
	closed bool
	names  *names
}

var _ detector.Store = (*Store)(nil)

// Open opens the store at path and makes the file (0600) when it is missing; its directory must
// exist. Errors: ErrSchema.
func Open(ctx context.Context, path string) (*Store, error) {
	s := &Store{path: path}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening store %s: %w", path, err), s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) (err error) {
	if s.db, err = sqlitedb.Open(ctx, s.path, file); err != nil {
		return err
	}
	s.readers = s.db.Readers
	s.names, err = newNames(s.db.Writer)
	return err
}

// Close implements detector.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.db == nil {
		return nil
	}
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("closing store: %w", err)
	}
	return nil
}

// Ready implements detector.Store by really writing.
func (s *Store) Ready(ctx context.Context) error {
	return s.write(ctx, "checking store", func(tx *sql.Tx) error {
		_, err := tx.Exec("UPDATE state SET checked = ?", time.Now().UnixMilli())
		return err
	})
}

// write runs f in one durable transaction, alone.
func (s *Store) write(ctx context.Context, doing string, f func(*sql.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := sqlitedb.Transact(ctx, s.db.Writer, f); err != nil {
		s.names.forget() // some may have been made by the transaction that is gone
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
