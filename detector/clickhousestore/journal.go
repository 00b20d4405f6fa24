//go:build cgo

package clickhousestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/detector/internal/rollups"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
)

// ErrJournal says that the journal was written by a newer release of Heliograph or is not a
// journal.
var ErrJournal = errors.New("not a journal that this release can read")

var journalOptions = sqlitedb.Options{
	Schema: sqlitedb.Schema{
		ApplicationID: 0x4847434a, // "HGCJ"
		Refused:       ErrJournal,
		Create:        journalSchema,
		Created:       1,
		Upgrades:      []string{journalVersion2, journalVersion3},
	},
	CacheKiB:     16 << 10,
	Statements:   32,
	Register:     rollups.Register,
	SecureDelete: true,
}

// journalSchema is version 1. Times are Unix milliseconds.
const journalSchema = rollups.Schema + `
CREATE TABLE waiting ( -- what is not in ClickHouse yet
	number  INTEGER PRIMARY KEY AUTOINCREMENT,
	stored  INTEGER NOT NULL,
	content BLOB NOT NULL -- content
) STRICT;
CREATE TABLE waiting_ids ( -- the batches in it
	id      BLOB NOT NULL,
	sealing BLOB NOT NULL,
	frames  INTEGER NOT NULL,
	number  INTEGER NOT NULL,
	PRIMARY KEY (id, sealing)
) STRICT, WITHOUT ROWID;
CREATE INDEX waiting_ids_number ON waiting_ids (number);
CREATE TABLE block ( -- the latest block
	one    INTEGER PRIMARY KEY CHECK (one = 1),
	number INTEGER NOT NULL,
	upto   INTEGER NOT NULL -- its last row of waiting; 0: it was inserted
) STRICT;
INSERT INTO block VALUES (1, 0, 0);
CREATE TABLE sums ( -- rollups that are not over
	step      INTEGER NOT NULL, -- ms
	at        INTEGER NOT NULL,
	app       TEXT NOT NULL,
	version   TEXT NOT NULL,
	os        TEXT NOT NULL,
	target    TEXT NOT NULL,
	outcome   TEXT NOT NULL,
	asn       INTEGER NOT NULL,
	country   TEXT NOT NULL,
	source    INTEGER NOT NULL,
	raw       INTEGER NOT NULL,
	estimated REAL NOT NULL,
	clients   BLOB NOT NULL, -- sketch.Clients
	PRIMARY KEY (step, at, app, version, os, target, outcome, asn, country, source)
) STRICT, WITHOUT ROWID;
CREATE TABLE durations ( -- likewise
	step    INTEGER NOT NULL,
	at      INTEGER NOT NULL,
	target  TEXT NOT NULL,
	latency BLOB NOT NULL, -- model.Latency
	PRIMARY KEY (step, at, target)
) STRICT, WITHOUT ROWID;
CREATE TABLE forgotten ( -- samples up to a block that are to be deleted
	client INTEGER NOT NULL,
	block  INTEGER NOT NULL,
	PRIMARY KEY (client, block)
) STRICT, WITHOUT ROWID;
CREATE TABLE cutoffs ( -- what is older is not shown, and deleted by whole days
	kind TEXT PRIMARY KEY,
	at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE checked (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	at  INTEGER NOT NULL
) STRICT;
INSERT INTO checked VALUES (1, 0);`

// journalVersion2 remembers how far another store was moved here.
const journalVersion2 = `
CREATE TABLE migration (
	one    INTEGER PRIMARY KEY CHECK (one = 1),
	source TEXT NOT NULL,    -- its stored.Source.Identity
	part   INTEGER NOT NULL, -- an index of stored.Parts
	after  TEXT NOT NULL,    -- a place in it
	rows   INTEGER NOT NULL, -- of the part
	ended  INTEGER NOT NULL  -- Unix milliseconds; 0: not yet
) STRICT;`

// journalVersion3 has a row for each batch of which it is not known whether ClickHouse has it.
const journalVersion3 = `
ALTER TABLE waiting ADD COLUMN unchecked INTEGER NOT NULL DEFAULT 0;
CREATE INDEX waiting_unchecked ON waiting (number) WHERE unchecked = 1;`

// write runs do in one durable transaction of the journal.
func (s *Events) write(ctx context.Context, doing string, do func(tx *sql.Tx) error) error {
	if s.closed.Load() {
		return fmt.Errorf("%s: %w", doing, errClosed)
	}
	if err := sqlitedb.Transact(ctx, s.journal.Writer, do); err != nil {
		return fmt.Errorf("%s: journal %s: %w", doing, s.o.Journal, err)
	}
	return nil
}

// checkJournal writes to the journal.
func (s *Events) checkJournal(ctx context.Context) error {
	return s.write(ctx, "checking the journal", func(tx *sql.Tx) error {
		_, err := tx.Exec("UPDATE checked SET at = ?", time.Now().UnixMilli())
		return err
	})
}

// measure counts what waits.
func (s *Events) measure(ctx context.Context) error {
	s.counting.Lock()
	defer s.counting.Unlock()
	var bytes, since int64
	if err := s.journal.Own.QueryRowContext(ctx, "SELECT coalesce(sum(length(content)), 0), coalesce(min(stored), 0) FROM waiting").Scan(&bytes, &since); err != nil {
		return fmt.Errorf("measuring the journal %s: %w", s.o.Journal, err)
	}
	s.waiting.Store(bytes)
	s.since.Store(since)
	return nil
}

// room returns an error if too much waits in the journal.
func (s *Events) room() error {
	n := s.waiting.Load()
	if n < s.o.MaxWaiting {
		return nil
	}
	err := fmt.Errorf("%d bytes wait in the journal %s, which is the limit: ClickHouse takes less than is reported", n, s.o.Journal)
	if last := s.failed.Load(); last != nil {
		err = fmt.Errorf("%w; the last insertion failed: %w", err, *last)
	}
	return err
}

// readJournal runs a query of the journal and calls f for each row.
func (s *Events) readJournal(ctx context.Context, doing, query string, args []any, f func(rows *sql.Rows) error) error {
	return sqlitedb.Each(ctx, s.journal.Own, doing+" in the journal "+s.o.Journal, query, args, f)
}
