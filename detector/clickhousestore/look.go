//go:build cgo

package clickhousestore

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Look is what a look at a server found.
type Look struct {
	Server string // its version
	// Tables is the version of the tables, 0 if there are none, and Known that of this release.
	Tables, Known int
	Rows          int64 // of the large tables
	// by how much the server's clock is ahead, to within the time of a statement
	Clock time.Duration
}

// See asks the server of o what it is, without a journal and without changing anything. An error
// says what to do about it.
func See(ctx context.Context, o Options) (l Look, err error) {
	s, err := visit(o)
	if err != nil {
		return l, err
	}
	defer s.conn.Close()
	l.Known = len(versions)
	var now time.Time
	asked := time.Now()
	if err := s.each(ctx, "asking for the server's version", "SELECT version(), now()", nil, func(rows driver.Rows) error { return rows.Scan(&l.Server, &now) }); err != nil {
		return l, advised(err, &s.o)
	}
	if took := time.Since(asked); now.Before(asked.Add(-time.Second)) || now.After(asked.Add(took)) {
		l.Clock = now.Sub(asked.Add(took / 2)).Round(time.Second)
	}
	tables, err := s.number(ctx, "looking for tables", "SELECT toInt64(count()) FROM system.tables WHERE database = ? AND name = 'versions'", s.o.Database)
	if err != nil || tables == 0 {
		return l, err
	}
	found, err := s.number(ctx, "reading the version of the tables", "SELECT toInt64(max(version)) FROM versions")
	if err != nil {
		return l, err
	}
	l.Tables = int(found)
	l.Rows, err = s.number(ctx, "counting rows", "SELECT toInt64(sum(rows)) FROM system.parts WHERE active AND database = ? AND table != 'versions'", s.o.Database)
	return l, err
}

// visit makes connections without a journal.
func visit(o Options) (*Events, error) {
	o = o.withDefaults()
	if err := checkAddress(o.Address); err != nil {
		return nil, err
	}
	s := &Events{o: o, metrics: newMetrics()}
	s.prepared.Store(true) // nothing is upgraded
	var err error
	s.conn, err = connect(&s.o)
	return s, err
}

// Codes of the server's errors.
const (
	codeUnknownDatabase = 81
	codeAuthentication  = 516
	codeWrongPassword   = 193
	codeUnknownUser     = 192
	codeReadOnly        = 164
	codeNoAccess        = 497
	codeNoDatabase      = 291
)

// advised adds to an error what to do about it.
func advised(err error, o *Options) error {
	if err == nil {
		return nil
	}
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
		return fmt.Errorf("%w: name the authority that has signed its certificate in ca", err)
	}
	switch codeOf(err) {
	case codeUnknownDatabase:
		return fmt.Errorf("%w: make the database: CREATE DATABASE %s", err, o.Database)
	case codeAuthentication, codeWrongPassword, codeUnknownUser:
		return fmt.Errorf("%w: look at user and password_file, and at users.xml of the server", err)
	case codeReadOnly, codeNoAccess, codeNoDatabase:
		return fmt.Errorf("%w: user %s must be allowed to create, change and drop tables of the database %s", err, o.User, o.Database)
	case 0:
		return fmt.Errorf("%w: does the server run, and is this the port of its native protocol (tcp_port, or tcp_port_secure with tls: true)?", err)
	}
	return err
}
