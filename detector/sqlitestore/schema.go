package sqlitestore

import (
	"database/sql"
	"errors"

	"github.com/heliograph-net/heliograph/internal/sqlitedb"
)

// ErrSchema says that the file was written by a newer release of Heliograph or is not a store.
var ErrSchema = errors.New("not a store that this release can read")

// options are the options of a file with one or both stores.
var options = sqlitedb.Options{
	Schema: sqlitedb.Schema{
		ApplicationID: 0x48475354, // "HGST": marks the file as a store
		Refused:       ErrSchema,
		Create:        schema,
		Created:       1,
		Upgrades:      upgrades,
		Then:          map[int]func(*sql.Tx) error{1: foldSightings, 18: indexOld},
	},
	CacheKiB:   32 << 10,
	Statements: 32,
	Register:   register,
	// Deleted data is overwritten: the keys of past days, and samples that users want deleted.
	SecureDelete: true,
}

// schema is version 1, as released. upgrades lead from it to this release's version. Times are Unix
// milliseconds. A bin is identified by its end, so "bin > since" selects the bins that end after a
// time, whatever their width.
const schema = `
CREATE TABLE series (
	id       INTEGER PRIMARY KEY,
	app      TEXT NOT NULL,
	target   TEXT NOT NULL,
	outcome  TEXT NOT NULL,
	protocol TEXT NOT NULL,
	status   INTEGER NOT NULL,
	server   TEXT NOT NULL,
	asn      INTEGER NOT NULL,
	country  TEXT NOT NULL,
	source   INTEGER NOT NULL,
	flags    INTEGER NOT NULL,
	delivery INTEGER NOT NULL, -- 1: counts deliveries to a collector
	used     INTEGER NOT NULL, -- the newest bin, to within a day
	UNIQUE (app, target, outcome, protocol, status, server, asn, country, source, flags)
) STRICT;
CREATE TABLE rollups (
	bin       INTEGER NOT NULL,
	series    INTEGER NOT NULL,
	raw       INTEGER NOT NULL,
	estimated REAL NOT NULL,
	PRIMARY KEY (bin, series)
) STRICT, WITHOUT ROWID;
CREATE TABLE sightings ( -- rollups by client, kept for a shorter time
	bin       INTEGER NOT NULL,
	series    INTEGER NOT NULL,
	client    INTEGER NOT NULL,
	raw       INTEGER NOT NULL,
	estimated REAL NOT NULL,
	PRIMARY KEY (bin, series, client)
) STRICT, WITHOUT ROWID;
CREATE TABLE samples (
	id       INTEGER PRIMARY KEY,
	at       INTEGER NOT NULL,
	app      TEXT NOT NULL,
	version  TEXT NOT NULL,
	os       TEXT NOT NULL,
	source   INTEGER NOT NULL,
	target   TEXT NOT NULL,
	url      TEXT NOT NULL,
	method   TEXT NOT NULL,
	outcome  TEXT NOT NULL,
	phase    TEXT NOT NULL,
	protocol TEXT NOT NULL,
	server   TEXT NOT NULL,
	status   INTEGER NOT NULL,
	elapsed  INTEGER NOT NULL, -- ms
	trace    BLOB NOT NULL,
	flags    INTEGER NOT NULL,
	asn      INTEGER NOT NULL,
	country  TEXT NOT NULL
) STRICT;
CREATE INDEX samples_at ON samples (at);
CREATE TABLE incidents (
	id    INTEGER PRIMARY KEY,
	since INTEGER NOT NULL,
	until INTEGER NOT NULL, -- 0: open
	body  TEXT NOT NULL     -- JSON
) STRICT;
CREATE INDEX incidents_until ON incidents (until);
CREATE TABLE batches (
	id       BLOB PRIMARY KEY,
	source   TEXT NOT NULL,
	received INTEGER NOT NULL,
	app      TEXT NOT NULL,
	records  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX batches_received ON batches (received);
CREATE TABLE quarantine (
	id       INTEGER PRIMARY KEY,
	batch    BLOB NOT NULL,
	source   TEXT NOT NULL,
	received INTEGER NOT NULL,
	reason   TEXT NOT NULL,
	detail   TEXT NOT NULL,
	segment  BLOB NOT NULL,
	UNIQUE (batch, source)
) STRICT;
CREATE TABLE cursors (
	source TEXT PRIMARY KEY,
	cursor INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE state (
	one       INTEGER PRIMARY KEY CHECK (one = 1),
	evaluated INTEGER NOT NULL, -- end of the last bin that was; 0: none
	checked   INTEGER NOT NULL
) STRICT;
INSERT INTO state (one, evaluated, checked) VALUES (1, 0, 0);`

// upgrades[i] upgrades version i+1 to the next. They must never be changed.
var upgrades = []string{`
ALTER TABLE samples ADD COLUMN error_type  TEXT NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN message     TEXT NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN stack       TEXT NOT NULL DEFAULT '';
ALTER TABLE samples ADD COLUMN fingerprint BLOB NOT NULL DEFAULT x'';
ALTER TABLE samples ADD COLUMN count       INTEGER NOT NULL DEFAULT 0;
ALTER TABLE samples ADD COLUMN client      INTEGER NOT NULL DEFAULT 0; -- as in sightings; 0: not known
CREATE TABLE deleted ( -- clients whose data is not kept
	client   INTEGER PRIMARY KEY,
	received INTEGER NOT NULL
) STRICT;`, version3, version4, version5, version6, version7, version8, version9, version10, version11, version12, version13, version14, version15, version16, version17, version18, version19, version20, version21}

// version3, with foldSightings, replaces a row for every client by sums with sketches of clients,
// adds probe results and an outbox, and renames "source" to "feed".
const version3 = `
ALTER TABLE rollups RENAME TO cells;
ALTER TABLE cells ADD COLUMN clients BLOB NOT NULL DEFAULT x''; -- sketch.Clients
ALTER TABLE cells ADD COLUMN spread  BLOB NOT NULL DEFAULT x''; -- sketch.Spread
ALTER TABLE batches    RENAME COLUMN source TO feed;
ALTER TABLE quarantine RENAME COLUMN source TO feed;
ALTER TABLE cursors    RENAME COLUMN source TO feed;
CREATE TABLE probe_targets (
	id          INTEGER PRIMARY KEY,
	name        TEXT NOT NULL,
	address     TEXT NOT NULL,
	kind        TEXT NOT NULL,
	data_centre TEXT NOT NULL,
	cluster     TEXT NOT NULL,
	row         TEXT NOT NULL,
	UNIQUE (name, address, kind, data_centre, cluster, row)
) STRICT;
CREATE TABLE probes (
	id        INTEGER PRIMARY KEY,
	at        INTEGER NOT NULL,
	target    INTEGER NOT NULL,
	vantage   TEXT NOT NULL,
	asn       INTEGER NOT NULL,
	judgement INTEGER NOT NULL,
	outcome   TEXT NOT NULL,
	steps     TEXT NOT NULL, -- JSON
	family    INTEGER NOT NULL,
	server    TEXT NOT NULL,
	protocol  TEXT NOT NULL,
	status    INTEGER NOT NULL
) STRICT;
CREATE INDEX probes_at ON probes (at);
CREATE INDEX probes_target ON probes (target, at);
CREATE TABLE outbox (
	number   INTEGER PRIMARY KEY AUTOINCREMENT,
	bin      INTEGER NOT NULL,
	kind     INTEGER NOT NULL,
	incident INTEGER NOT NULL,
	body     TEXT NOT NULL -- JSON
) STRICT;
CREATE TABLE client_keys (
	day INTEGER PRIMARY KEY, -- from 1 January 1970
	key BLOB NOT NULL
) STRICT;`

// version4 stores batches in quarantine completely, so that they can be tried again.
const version4 = `
ALTER TABLE quarantine ADD COLUMN collector TEXT NOT NULL DEFAULT '';
ALTER TABLE quarantine ADD COLUMN asn       INTEGER NOT NULL DEFAULT 0;
ALTER TABLE quarantine ADD COLUMN country   TEXT NOT NULL DEFAULT 'ZZ';
ALTER TABLE quarantine ADD COLUMN delivery  BLOB NOT NULL DEFAULT x'';
ALTER TABLE quarantine ADD COLUMN size      INTEGER NOT NULL DEFAULT 4096; -- of the segment, as it counts
UPDATE quarantine SET size = max(length(segment), 4096), collector = feed;
CREATE INDEX quarantine_reason ON quarantine (reason, asn, size);
ALTER TABLE state ADD COLUMN waiting_dropped INTEGER NOT NULL DEFAULT 0; -- batches that waited for a key
`

// version5 adds the state of alerts.
const version5 = `
ALTER TABLE state ADD COLUMN alerts BLOB NOT NULL DEFAULT x'';`

// version6 distinguishes batches with the same id, and stores how many frames of each are known.
const version6 = `
CREATE TABLE known (
	id       BLOB NOT NULL,
	sealing  BLOB NOT NULL, -- empty: any, of a batch that was stored before
	frames   INTEGER NOT NULL,
	feed     TEXT NOT NULL,
	received INTEGER NOT NULL,
	app      TEXT NOT NULL,
	records  INTEGER NOT NULL,
	PRIMARY KEY (id, sealing)
) STRICT, WITHOUT ROWID;
INSERT INTO known SELECT id, x'', 0, feed, received, app, records FROM batches;
DROP TABLE batches;
ALTER TABLE known RENAME TO batches;
CREATE INDEX batches_received ON batches (received);`

// version7 adds buckets.
const version7 = `
ALTER TABLE quarantine ADD COLUMN bucket INTEGER NOT NULL DEFAULT 0;`

// version9 limits the quarantine by place, and counts by reason what it drops.
const version9 = `
DROP INDEX quarantine_reason;
CREATE INDEX quarantine_reason ON quarantine (reason, asn, bucket, size);
CREATE TABLE quarantine_dropped (
	reason  TEXT PRIMARY KEY,
	batches INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO quarantine_dropped SELECT 'unknown_key', waiting_dropped FROM state WHERE waiting_dropped > 0;
ALTER TABLE state DROP COLUMN waiting_dropped;`

// version10 stores where requests came from, and indexes samples by client.
const version10 = `
ALTER TABLE cells ADD COLUMN places BLOB NOT NULL DEFAULT x''; -- sketch.Places
CREATE INDEX samples_client ON samples (client) WHERE client <> 0;`

// version12 shares ids and deletion notices by autonomous system.
const version12 = `
ALTER TABLE batches ADD COLUMN asn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deleted ADD COLUMN asn INTEGER NOT NULL DEFAULT 0;
CREATE INDEX deleted_asn ON deleted (asn, received);`
