package sqlitedb

import (
	"context"
	"database/sql/driver"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// connector opens connections and registers functions with them.
type connector struct {
	uri      string
	register func(*sqlite3.SQLiteConn) error
}

func (c connector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.Driver().Open(c.uri)
	if err != nil || c.register == nil {
		return conn, err
	}
	if err := c.register(conn.(*sqlite3.SQLiteConn)); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

func (connector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }
