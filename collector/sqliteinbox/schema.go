package sqliteinbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// ErrSchema says that the file was written by a newer release of Heliograph, or is no inbox at all.
var ErrSchema = errors.New("not an inbox that this release can read")

const (
	applicationID = 0x48475842 // "HGXB": marks the file as an inbox
	schemaVersion = 2
	maxReaders    = 4
)

// schema: ids has every batch that is remembered, pending the bodies that are not acknowledged,
// acked what is known of those that are. ids is a tree of its own and small because its keys come
// in any order within a minute, and it is filled late, see ids.go; the other two only ever grow at
// their end.
const schema = `
CREATE TABLE ids (
	batch BLOB PRIMARY KEY,
	seq   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE pending (
	seq       INTEGER PRIMARY KEY,
	received  INTEGER NOT NULL, -- Unix ms
	batch     BLOB NOT NULL,
	body      BLOB NOT NULL,    -- SHA-256 of segment
	asn       INTEGER NOT NULL,
	country   TEXT NOT NULL,
	collector TEXT NOT NULL,
	delivery  BLOB NOT NULL,
	segment   BLOB NOT NULL
) STRICT;
CREATE TABLE acked (
	seq      INTEGER PRIMARY KEY,
	received INTEGER NOT NULL,
	batch    BLOB NOT NULL,
	body     BLOB NOT NULL
) STRICT;
CREATE TABLE state (
	one     INTEGER PRIMARY KEY CHECK (one = 1),
	acked   INTEGER NOT NULL, -- everything up to this seq was acknowledged by all readers, or dropped
	checked INTEGER NOT NULL, -- Unix ms of the last Check
	indexed INTEGER NOT NULL, -- ids has everything up to this seq
	dropped INTEGER NOT NULL  -- batches that were never acknowledged by all readers
) STRICT;` + readersTable

const readersTable = `
CREATE TABLE readers (
	name  TEXT PRIMARY KEY,
	acked INTEGER NOT NULL
) STRICT, WITHOUT ROWID;`

// fromVersion1 brings an inbox without readers of its own, and with all ids in the tree,
// to version 2.
const fromVersion1 = `
ALTER TABLE state ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;
UPDATE state SET indexed = (` + selectHead + `);` + readersTable

func (i *Inbox) open(path string) error {
	// SQLite gives its other files the mode of this one.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	dsn, err := dataSource(path)
	if err != nil {
		return err
	}
	if i.pool, err = sql.Open("sqlite3", dsn+"&_synchronous=FULL&_txlock=immediate&_cache_size=-16384"); err != nil {
		return err
	}
	i.pool.SetMaxOpenConns(1)
	if i.writer, err = i.pool.Conn(context.Background()); notADatabase(err) {
		return fmt.Errorf("%w: the file is no SQLite database", ErrSchema)
	} else if err != nil {
		return err
	}
	if err := i.migrate(); err != nil {
		return err
	}
	if i.readers, err = sql.Open("sqlite3", dsn+"&_query_only=1"); err != nil {
		return err
	}
	i.readers.SetMaxOpenConns(maxReaders)
	i.readers.SetMaxIdleConns(maxReaders)
	return i.prepare()
}

// prepare makes what every Commit uses.
func (i *Inbox) prepare() error {
	if err := i.writer.Raw(func(c any) error { return i.direct.prepare(c.(*sqlite3.SQLiteConn)) }); err != nil {
		return err
	}
	i.recent.version = math.MinInt64 // not known yet
	if err := i.writeDirect(context.Background(), func() error { _, err := i.current(); return err }, nil); err != nil {
		return err
	}
	return i.write(context.Background(), func(tx *sql.Tx) error {
		i.recent.freeze(i.indexRows)
		return i.loadReaders(tx)
	}, nil)
}

// dataSource is the URI of path with what all connections share. Unusual characters of the path
// are escaped.
func dataSource(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return (&url.URL{Scheme: "file", Path: abs, RawQuery: "_busy_timeout=5000&_stmt_cache_size=16"}).String(), nil
}

// migrate brings the file to this release's schema, or refuses it.
func (i *Inbox) migrate() error {
	var id, version, tables int64
	err := i.writer.QueryRowContext(context.Background(), `SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),
		(SELECT count(*) FROM sqlite_schema)`).Scan(&id, &version, &tables)
	switch {
	case err != nil:
		return err
	case id == 0 && version == 0 && tables == 0:
		return i.create()
	case id != applicationID:
		return fmt.Errorf("%w: the file belongs to another application", ErrSchema)
	case version == 1:
		return i.change(fromVersion1)
	case version != schemaVersion:
		return fmt.Errorf("%w: its schema is version %d, this release knows %d; start the release that wrote it, or move the file away",
			ErrSchema, version, schemaVersion)
	}
	return nil
}

// create fills an empty file. Sequence numbers start at the time in microseconds, so that a
// reader's cursor of an inbox that was here before lies below all that this one will ever hold.
// Pages are large because a commit under load pays for each one that it writes, and a batch
// takes 1.5 KiB.
func (i *Inbox) create() error {
	if _, err := i.writer.ExecContext(context.Background(), "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL"); err != nil {
		return err
	}
	now := time.Now().UnixMicro()
	return i.change(fmt.Sprintf("%s\nINSERT INTO state (one, acked, checked, indexed, dropped) VALUES (1, %d, 0, %d, 0);", schema, now, now))
}

// change runs statements that make the schema this release's, all or none.
func (i *Inbox) change(statements string) error {
	tx, err := i.writer.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.Exec(statements); err != nil {
		return err
	}
	if _, err := tx.Exec(fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, schemaVersion)); err != nil {
		return err
	}
	return tx.Commit()
}
