package sqliteinbox

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// ErrSchema says that the file was written by a newer release of Heliograph, or is no inbox at all.
var ErrSchema = errors.New("not an inbox that this release can read")

const (
	applicationID = 0x48475842 // "HGXB": marks the file as an inbox
	schemaVersion = 1
	maxReaders    = 4
)

// schema: ids has every batch that is remembered, pending the bodies that are not acknowledged, acked what is known of those that are.
// ids is a tree of its own and small because its keys come in any order within a minute: the other two only ever grow at their end.
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
	acked   INTEGER NOT NULL, -- everything up to this seq was acknowledged
	checked INTEGER NOT NULL  -- Unix ms of the last Check
) STRICT;`

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
	if i.writer, err = sql.Open("sqlite3", dsn+"&_synchronous=FULL&_txlock=immediate"); err != nil {
		return err
	}
	i.writer.SetMaxOpenConns(1)
	if err := i.migrate(); err != nil {
		return err
	}
	if i.readers, err = sql.Open("sqlite3", dsn+"&_query_only=1"); err != nil {
		return err
	}
	i.readers.SetMaxOpenConns(maxReaders)
	i.readers.SetMaxIdleConns(maxReaders)
	if i.insertID, err = i.writer.Prepare("INSERT INTO ids (batch, seq) VALUES (?, ?) ON CONFLICT DO NOTHING"); err != nil {
		return err
	}
	i.insert, err = i.writer.Prepare(`INSERT INTO pending (seq, received, batch, body, asn, country, collector, delivery, segment)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	return err
}

// dataSource is the URI of path with what all connections share. Unusual characters of the path are escaped.
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
	err := i.writer.QueryRow(`SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),
		(SELECT count(*) FROM sqlite_schema)`).Scan(&id, &version, &tables)
	switch {
	case notADatabase(err):
		return fmt.Errorf("%w: the file is no SQLite database", ErrSchema)
	case err != nil:
		return err
	case id == 0 && version == 0 && tables == 0:
		return i.create()
	case id != applicationID:
		return fmt.Errorf("%w: the file belongs to another application", ErrSchema)
	case version != schemaVersion:
		return fmt.Errorf("%w: its schema is version %d, this release knows %d; start the release that wrote it, or move the file away",
			ErrSchema, version, schemaVersion)
	}
	return nil
}

// create fills an empty file. Sequence numbers start at the time in microseconds, so that a reader's cursor of an inbox that was here
// before lies below all that this one will ever hold.
func (i *Inbox) create() error {
	if _, err := i.writer.Exec("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL"); err != nil {
		return err
	}
	tx, err := i.writer.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.Exec(schema); err != nil {
		return err
	}
	if _, err := tx.Exec("INSERT INTO state (one, acked, checked) VALUES (1, ?, 0)", time.Now().UnixMicro()); err != nil {
		return err
	}
	if _, err := tx.Exec(fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, schemaVersion)); err != nil {
		return err
	}
	return tx.Commit()
}
