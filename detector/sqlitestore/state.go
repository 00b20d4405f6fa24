package sqlitestore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model/sketch"
)

// Cursor implements detector.State.
func (s *State) Cursor(ctx context.Context, feed string) (uint64, error) {
	var cursor int64
	err := s.readers.QueryRowContext(ctx, "SELECT cursor FROM cursors WHERE feed = ?", feed).Scan(&cursor)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("reading cursor: %w", err)
	}
	return uint64(cursor), nil
}

// SaveCursor implements detector.State.
func (s *State) SaveCursor(ctx context.Context, page *detector.FeedPage) error {
	return s.write(ctx, "storing cursor", func(tx *sql.Tx) error {
		if err := quarantine(tx, page); err != nil {
			return err
		}
		if err := saveClaims(tx, page); err != nil {
			return err
		}
		_, err := tx.Exec("INSERT INTO cursors (feed, cursor, since) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET cursor = excluded.cursor",
			page.Feed, int64(page.Cursor), time.Now().UnixMilli())
		return err
	})
}

// ClientKey implements detector.State.
func (s *State) ClientKey(ctx context.Context, day time.Time) (key sketch.Key, err error) {
	number := day.UnixMilli() / dayMS
	err = s.write(ctx, "reading the key of a day", func(tx *sql.Tx) error {
		key, err = clientKey(tx, number)
		return err
	})
	return key, err
}

// clientKey returns the key of a day, which is counted from 1 January 1970. It creates the key
// if necessary.
func clientKey(tx *sql.Tx, number int64) (key sketch.Key, err error) {
	var fresh sketch.Key
	_, _ = rand.Read(fresh[:]) // never fails
	if _, err := tx.Exec("INSERT INTO client_keys (day, key) VALUES (?, ?) ON CONFLICT DO NOTHING", number, fresh[:]); err != nil {
		return key, err
	}
	var stored sql.RawBytes
	rows, err := tx.Query("SELECT key FROM client_keys WHERE day = ?", number)
	if err != nil {
		return key, err
	}
	defer rows.Close()
	if !rows.Next() {
		return key, errors.Join(rows.Err(), errors.New("the key of a day has been deleted"))
	}
	if err := rows.Scan(&stored); err != nil {
		return key, err
	}
	if copy(key[:], stored) != len(key) || len(stored) != len(key) {
		return key, fmt.Errorf("the key of a day has %d bytes", len(stored))
	}
	return key, nil
}
