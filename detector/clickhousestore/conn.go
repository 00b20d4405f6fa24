//go:build cgo

package clickhousestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/heliograph-net/heliograph/model"
)

// maxConns is how many connections there are at most: of queries that read much, of others, and of
// insertions.
const maxConns = 8

// connect makes the pool of connections. It does not talk to the server yet.
func connect(o *Options) (driver.Conn, error) {
	conn, err := clickhouse.Open(&clickhouse.Options{
		Protocol: clickhouse.Native, Addr: []string{o.Address}, TLS: o.TLS,
		Auth:        clickhouse.Auth{Database: o.Database, Username: o.User, Password: o.Password},
		Compression: &clickhouse.Compression{Method: clickhouse.CompressionLZ4},
		DialTimeout: min(o.Deadline, 10*time.Second), ReadTimeout: o.Deadline,
		MaxOpenConns: maxConns, MaxIdleConns: maxConns,
		// the server, too, gives up a statement that nobody waits for any more
		Settings: clickhouse.Settings{"max_execution_time": int(max(o.Deadline/time.Second, 1))},
	})
	if err != nil {
		return nil, fmt.Errorf("clickhouse %s: %w", o.Address, err)
	}
	return conn, nil
}

// within limits the time of one statement.
func (s *Events) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.o.Deadline)
}

// named adds to an error what was being done, and where.
func (s *Events) named(doing string, err error) error {
	if err == nil {
		return nil
	}
	if fault, ok := errors.AsType[*clickhouse.Exception](err); ok {
		return &serverError{fmt.Sprintf("%s: clickhouse %s: %s (code %d)", doing, s.o.Address, fault.Message, fault.Code), int(fault.Code)}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: clickhouse %s did not answer in %v: %w: %w", doing, s.o.Address, s.o.Deadline, model.ErrAway, err)
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: clickhouse %s: %w", doing, s.o.Address, err)
	}
	return fmt.Errorf("%s: clickhouse %s: %w: %w", doing, s.o.Address, model.ErrAway, err)
}

// serverError is an answer of the server.
type serverError struct {
	text string
	code int
}

func (e *serverError) Error() string { return e.text }

// codeOf returns the code of the server's answer, or 0 if err is none.
func codeOf(err error) int {
	if answer, ok := errors.AsType[*serverError](err); ok {
		return answer.code
	}
	return 0
}

func (s *Events) ping(ctx context.Context) error {
	ctx, done := s.within(ctx)
	defer done()
	return s.named("asking the server", s.conn.Ping(ctx))
}

// exec runs a statement that returns nothing.
func (s *Events) exec(ctx context.Context, doing, statement string, args ...any) error {
	ctx, done := s.within(ctx)
	defer done()
	begun := time.Now()
	err := s.conn.Exec(ctx, statement, args...)
	s.metrics.observe("change", begun, err)
	return s.named(doing, err)
}

// each runs a query of the store's tables and calls f for each row, until f returns an error, which
// it returns as it is.
func (s *Events) each(ctx context.Context, doing, query string, args []any, f func(rows driver.Rows) error) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	return s.ask(ctx, doing, query, args, f)
}

// ask is like each. The tables need not be there.
func (s *Events) ask(ctx context.Context, doing, query string, args []any, f func(rows driver.Rows) error) (err error) {
	if s.closed.Load() {
		return fmt.Errorf("%s: %w", doing, errClosed)
	}
	ctx, done := s.within(ctx)
	defer done()
	begun := time.Now()
	defer func() { s.metrics.observe("query", begun, err) }()
	rows, err := s.conn.Query(ctx, query, args...)
	if err != nil {
		return s.named(doing, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			done() // the rest is not read
			return err
		}
	}
	return s.named(doing, rows.Err())
}

// list runs a query and returns what scan makes of its rows.
func list[T any](ctx context.Context, s *Events, doing, query string, args []any, scan func(rows driver.Rows) (T, error)) (all []T, err error) {
	err = s.each(ctx, doing, query, args, func(rows driver.Rows) error {
		v, err := scan(rows)
		all = append(all, v)
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// number runs a query with one number in one row.
func (s *Events) number(ctx context.Context, doing, query string, args ...any) (n int64, err error) {
	err = s.each(ctx, doing, query, args, func(rows driver.Rows) error { return rows.Scan(&n) })
	return n, err
}
