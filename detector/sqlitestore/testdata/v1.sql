-- A store as release 0.1.0 made it, schema version 1. Never changed.
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
INSERT INTO state (one, evaluated, checked) VALUES (1, 0, 0);
INSERT INTO samples (at, app, version, os, source, target, url, method, outcome, phase, protocol, server, status, elapsed, trace, flags, asn, country)
VALUES (1700000000000, 'shop', '1', 'linux', 1, 'https://shop.test', 'https://shop.test/cart', 'GET', 'tcp.reset', 'connection', 'h2', '', 0, 12,
	x'00000000000000000000000000000000', 0, 64500, 'XA');
INSERT INTO cursors (source, cursor) VALUES ('c1', 7);
PRAGMA application_id = 0x48475354;
PRAGMA user_version = 1;
