package sqlitedb

import (
	"context"
	"database/sql"
	"fmt"
)

// Querier is a connection, a pool of them, or a transaction.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// List runs a query and scans all its rows. doing says in an error what was being done.
func List[T any](ctx context.Context, db Querier, doing, query string, args []any, scan func(*sql.Rows) (T, error)) ([]T, error) {
	var all []T
	err := Each(ctx, db, doing, query, args, func(rows *sql.Rows) error {
		v, err := scan(rows)
		all = append(all, v)
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Each runs a query and calls f for every row, until it returns an error. doing says in an error
// what was being done.
func Each(ctx context.Context, db Querier, doing, query string, args []any, f func(*sql.Rows) error) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return Doing(doing, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return Doing(doing, err)
		}
	}
	if err := rows.Err(); err != nil {
		return Doing(doing, err)
	}
	return nil
}

// Doing adds to an error what was being done. If the file is damaged, it says what to do.
func Doing(doing string, err error) error {
	if Damaged(err) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
