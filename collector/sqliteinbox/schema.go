package sqliteinbox

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/internal/wallclock"
)

// ErrSchema says that the file was written by a newer release of Heliograph or is not an inbox.
var ErrSchema = errors.New("not an inbox that this release can read")

const (
	applicationID = 0x48475842 // "HGXB": marks the file as an inbox
	// bytes; large because the cost of a commit is that of the pages it writes, and a batch
	// needs 1.5 KiB
	pageSize = 16384
)

// schema is version 2. upgrades lead from there to this release's version. ids has all batches that
// are remembered, pending the bodies that are not yet acknowledged, and acked the ids and hashes of
// those that are. ids is a separate, small tree because its keys are in random order within a
// minute. It is filled late, see ledger.go. The other two tables grow only at their end.
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

// fromVersion1 upgrades an inbox that has no readers and has all ids in the tree to version 2.
const fromVersion1 = `
ALTER TABLE state ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;
UPDATE state SET indexed = (` + selectHead + `);` + readersTable

// fromVersion2 adds the bucket of a batch's client.
const fromVersion2 = `
ALTER TABLE pending ADD COLUMN bucket INTEGER NOT NULL DEFAULT 0;`

// fromVersion3 knows batches by their keys instead of their ids, see ledger.go.
const fromVersion3 = `
DROP TABLE ids;
CREATE TABLE ids (
	key BLOB PRIMARY KEY,
	seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO ids SELECT ` + sqlKey + `, seq FROM acked WHERE seq <= (SELECT indexed FROM state)
	UNION ALL SELECT ` + sqlKey + `, seq FROM pending WHERE seq <= (SELECT indexed FROM state) ORDER BY 1;`

// fromVersion4 changes nothing: version 5 stores several batches in a row, see row.go, which
// earlier releases cannot read.
const fromVersion4 = ""

// fileOptions returns the options of an inbox's file.
func fileOptions() sqlitedb.Options {
	return sqlitedb.Options{
		Schema: sqlitedb.Schema{
			ApplicationID: applicationID,
			Refused:       ErrSchema,
			Create:        schema + firstState(),
			Created:       2,
			Upgrades:      []string{fromVersion1, fromVersion2, fromVersion3, fromVersion4},
		},
		PageSize:   pageSize,
		CacheKiB:   16 << 10,
		Statements: 16,
	}
}

func (i *Inbox) open(path string) (err error) {
	i.db, err = sqlitedb.Open(context.Background(), path, fileOptions())
	if err != nil {
		return err
	}
	i.readers = i.db.Readers
	if i.writer, err = i.db.Writer.Conn(context.Background()); err != nil {
		return err
	}
	if _, err := i.writer.ExecContext(context.Background(), fmt.Sprintf("PRAGMA wal_autocheckpoint = %d", i.disk.logPages())); err != nil {
		return err
	}
	if err := i.prepare(); err != nil {
		return err
	}
	i.name, i.opened = rand.Text(), uint64(i.ledger.head)
	i.disk.keep()
	i.compareToDisk()
	return nil
}

// firstState returns the state of an empty inbox. Sequence numbers start at the time in
// microseconds, so that a cursor of an earlier inbox in the same place is below all numbers
// of this one.
func firstState() string {
	now := time.Now().UnixMicro()
	return fmt.Sprintf("\nINSERT INTO state (one, acked, checked, indexed, dropped) VALUES (1, %d, 0, %d, 0);", now, now)
}

// prepare prepares the statements that every Commit uses.
func (i *Inbox) prepare() error {
	if err := i.writer.Raw(func(c any) error { return i.direct.prepare(c.(*sqlite3.SQLiteConn)) }); err != nil {
		return err
	}
	i.ledger.version = math.MinInt64 // unknown
	if err := i.writeDirect(context.Background(), func() error { _, err := i.ledger.refresh(); return err }, nil); err != nil {
		return err
	}
	return i.write(context.Background(), func(tx *sql.Tx) error {
		i.ledger.freeze()
		last, err := newest(tx)
		if err != nil {
			return err
		}
		i.ages = wallclock.NewAges(i.o.clock, last)
		return i.loadReaders(tx)
	}, nil)
}

// compareToDisk logs a warning if the disk has less room than MaxBytes.
func (i *Inbox) compareToDisk() {
	i.mu.Lock()
	defer i.mu.Unlock()
	m, err := i.measure()
	if err != nil {
		return
	}
	if limit := m.used() + min(i.disk.room(m), i.o.MaxBytes); limit < i.o.MaxBytes {
		i.o.Logger.Warn("the maximum of the inbox is more than its disk has room for: it is full before; lower the maximum or enlarge the disk",
			"max_bytes", i.o.MaxBytes, "full_at_bytes", limit)
	}
}
