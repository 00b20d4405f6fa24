package sqliteinbox

import (
	"context"
	"database/sql/driver"
	"io"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// statement is a prepared statement of the writer's connection that is used inside (*sql.Conn).Raw.
// A group of uploads has hundreds of values, and the overhead of database/sql and of a C call for
// each would cost more than SQLite's own work.
type statement struct {
	stmt driver.StmtQueryContext
	args []driver.NamedValue // one for each parameter
}

func prepare(conn *sqlite3.SQLiteConn, text string) (*statement, error) {
	stmt, err := conn.Prepare(text)
	if err != nil {
		return nil, err
	}
	s := &statement{stmt: stmt.(driver.StmtQueryContext), args: make([]driver.NamedValue, stmt.NumInput())}
	for n := range s.args {
		s.args[n].Ordinal = n + 1
	}
	return s, nil
}

// set sets the parameters from number at on, which counts from 0. The driver accepts int64,
// float64, bool, string, []byte and nil.
func (s *statement) set(at int, values ...driver.Value) {
	for n, v := range values {
		s.args[at+n].Value = v
	}
}

// run runs the statement to its end and calls row for each row. row may be nil and must not retain
// the slice. All statements are run as queries, because the driver passes all values of a query to
// SQLite in one call.
func (s *statement) run(row func([]driver.Value) error) (err error) {
	rows, err := s.stmt.QueryContext(context.Background(), s.args)
	for n := range s.args {
		s.args[n].Value = nil // do not retain the caller's bytes
	}
	if err != nil {
		return err
	}
	defer rows.Close()
	values := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(values); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if row != nil {
			if err := row(values); err != nil {
				return err
			}
		}
	}
}

// one runs a statement that returns one integer, and returns it.
func (s *statement) one() (n int64, err error) {
	err = s.run(func(values []driver.Value) error {
		n = values[0].(int64)
		return nil
	})
	return n, err
}
