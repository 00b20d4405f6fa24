// Package sqlitedb opens SQLite files as Heliograph uses them: mode 0600, a write-ahead log,
// synchronous=FULL, one connection for writing and a few for reading.
//
// Start with [Open] and [Transact].
package sqlitedb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// Numbers of connections.
const (
	maxReaders = 4
	maxOwn     = 2
)

// Options configures [Open]. Schema is required.
type Options struct {
	Schema Schema

	PageSize   int // bytes of a page of a new file; 0 means SQLite's default
	CacheKiB   int // memory for pages of the writing connection; 0 means SQLite's default
	Statements int // prepared statements that a connection caches; 0 means none

	SecureDelete bool // overwrites deleted data
	// Register registers functions with each new connection. It may be nil.
	Register func(*sqlite3.SQLiteConn) error
}

// DB is an open file. Its fields must not be changed.
type DB struct {
	Writer  *sql.DB // one connection; its transactions take the write lock when they begin
	Readers *sql.DB // connections that cannot write
	// Own is further connections that cannot write, for the process's own work, so that it does not
	// wait for people's queries on Readers.
	Own *sql.DB

	files identity // as of Open
}

// Open opens the file at path, creates it if it does not exist, and upgrades it to this release's
// schema. The directory must exist. The error wraps o.Schema.Refused for a file of a newer release
// or of another application, and [ErrDamaged] for a damaged file. Open looks for damage for three
// seconds at most, so it may not find all damage of a large file.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	d := new(DB)
	if err := d.open(ctx, path, &o); err != nil {
		if Damaged(err) && !errors.Is(err, ErrDamaged) {
			err = fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *DB) open(ctx context.Context, path string, o *Options) error {
	if err := whole(path); err != nil {
		return err
	}
	// SQLite creates its other files with the mode of this one.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	d.Writer = sql.OpenDB(connector{o.writerURI(abs), o.Register})
	d.Writer.SetMaxOpenConns(1)
	if err := o.migrate(ctx, d.Writer); err != nil {
		return err
	}
	for pool, most := range map[**sql.DB]int{&d.Readers: maxReaders, &d.Own: maxOwn} {
		*pool = sql.OpenDB(connector{o.uri(abs, url.Values{"_query_only": {"1"}, "mode": {"rw"}}), o.Register})
		(*pool).SetMaxOpenConns(most)
		(*pool).SetMaxIdleConns(most)
	}
	if err := check(ctx, d.Writer, checkTime); err != nil {
		return err
	}
	if err := warm(ctx, d.Readers, maxReaders); err != nil {
		return err
	}
	d.files, err = record(path)
	return err
}

// warm makes a pool open its connections now, and each of them its files. So removing the files
// later does not keep the process from reading their data.
func warm(ctx context.Context, pool *sql.DB, connections int) (err error) {
	var all []*sql.Conn
	for range connections {
		conn, openErr := pool.Conn(ctx)
		if openErr != nil {
			err = errors.Join(err, openErr)
			break
		}
		all = append(all, conn)
		var tables int
		err = errors.Join(err, conn.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables))
	}
	for _, conn := range all {
		err = errors.Join(err, conn.Close())
	}
	return err
}

func (o *Options) writerURI(path string) string {
	settings := url.Values{"_synchronous": {"FULL"}, "_txlock": {"immediate"}}
	if o.SecureDelete {
		settings.Set("_secure_delete", "true")
	}
	if o.CacheKiB > 0 {
		settings.Set("_cache_size", fmt.Sprint(-o.CacheKiB)) // negative: KiB, not pages
	}
	return o.uri(path, settings)
}

// uri returns the data source name for path, escaped, with the settings that all connections share.
func (o *Options) uri(path string, settings url.Values) string {
	settings.Set("_busy_timeout", "5000") // ms
	if o.Statements > 0 {
		settings.Set("_stmt_cache_size", fmt.Sprint(o.Statements))
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: settings.Encode()}).String()
}

// Close closes all connections. It is idempotent.
func (d *DB) Close() error {
	var errs []error
	for _, pool := range []*sql.DB{d.Readers, d.Own} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	// last, because the last connection to close checkpoints the write-ahead log
	if d.Writer != nil {
		errs = append(errs, d.Writer.Close())
	}
	return errors.Join(errs...)
}

// beginner is a [sql.DB] or a [sql.Conn].
type beginner interface {
	BeginTx(context.Context, *sql.TxOptions) (*sql.Tx, error)
}

// Transact runs f in one transaction of the writer. If Transact returns nil, the transaction is
// durable; otherwise it has no effect. If ctx has ended, Transact does not begin the transaction.
// It does not interrupt one that has begun.
func Transact(ctx context.Context, writer beginner, f func(*sql.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// The driver does not get ctx: it would start a goroutine for each statement, and a commit
	// cannot be undone anyway.
	tx, err := writer.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
