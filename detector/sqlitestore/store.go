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
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"

	"github.com/heliograph-net/heliograph/detector"
)

const maxReaders = 4

// Store is a detector.Store in one SQLite file. It is safe for concurrent use.
type Store struct {
	path    string
	writer  *sql.DB // one connection
	readers *sql.DB

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

func (s *Store) open(ctx context.Context) error {
	// SQLite gives its other files the mode of this one
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	abs, err := filepath.Abs(s.path)
	if err != nil {
		return err
	}
	dsn := (&url.URL{Scheme: "file", Path: abs, RawQuery: "_busy_timeout=5000"}).String()
	if s.writer, err = sql.Open("sqlite3", dsn+"&_synchronous=FULL&_txlock=immediate"); err != nil {
		return err
	}
	s.writer.SetMaxOpenConns(1)
	if err := migrate(ctx, s.writer); err != nil {
		return err
	}
	if s.names, err = newNames(s.writer); err != nil {
		return err
	}
	if s.readers, err = sql.Open("sqlite3", dsn+"&_query_only=1"); err != nil {
		return err
	}
	s.readers.SetMaxOpenConns(maxReaders)
	s.readers.SetMaxIdleConns(maxReaders)
	return nil
}

// Close implements detector.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	if s.readers != nil {
		errs = append(errs, s.readers.Close())
	}
	if s.writer != nil { // last, for the last connection folds the write-ahead log into the file
		errs = append(errs, s.writer.Close())
	}
	if err := errors.Join(errs...); err != nil {
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
	err := ctx.Err()
	if err == nil {
		err = s.transact(ctx, f)
	}
	if err != nil {
		s.names.forget() // some may have been made by the transaction that is gone
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func (s *Store) transact(ctx context.Context, f func(*sql.Tx) error) error {
	// The context stays out of the driver: it would start a goroutine for each statement, and a
	// commit cannot be taken back anyway.
	tx, err := s.writer.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
