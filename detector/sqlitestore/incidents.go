package sqlitestore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// SaveStep implements detector.Store.
func (s *Store) SaveStep(ctx context.Context, bin time.Time, incidents []model.Incident) error {
	return s.write(ctx, "saving incidents", func(tx *sql.Tx) error {
		for i := range incidents {
			if err := saveIncident(tx, &incidents[i]); err != nil {
				return err
			}
		}
		_, err := tx.Exec("UPDATE state SET evaluated = max(evaluated, ?)", bin.UnixMilli())
		return err
	})
}

func saveIncident(tx *sql.Tx, i *model.Incident) error {
	body, err := json.Marshal(i)
	if err != nil {
		return err
	}
	until := int64(0)
	if !i.Open() {
		until = i.Until.UnixMilli()
	}
	_, err = tx.Exec(`INSERT INTO incidents (id, since, until, body) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET since = excluded.since, until = excluded.until, body = excluded.body`, i.ID, i.Since.UnixMilli(), until, string(body))
	return err
}

// Incidents implements model.Reader.
func (s *Store) Incidents(ctx context.Context, since time.Time) ([]model.Incident, error) {
	return list(ctx, s.readers, "reading incidents", `SELECT body FROM incidents WHERE until = 0 OR until >= ?
		ORDER BY until = 0 DESC, since DESC, id DESC LIMIT ?`, []any{since.UnixMilli(), model.MaxRows},
		func(rows *sql.Rows) (i model.Incident, err error) {
			var body sql.RawBytes
			if err := rows.Scan(&body); err != nil {
				return i, err
			}
			return i, json.Unmarshal(body, &i)
		})
}

// Evaluated implements detector.Store.
func (s *Store) Evaluated(ctx context.Context) (time.Time, error) {
	var ms int64
	if err := s.readers.QueryRowContext(ctx, "SELECT evaluated FROM state").Scan(&ms); err != nil {
		return time.Time{}, fmt.Errorf("reading the last bin: %w", err)
	}
	if ms == 0 {
		return time.Time{}, nil
	}
	return time.UnixMilli(ms), nil
}

// LastIncident implements detector.Store.
func (s *Store) LastIncident(ctx context.Context) (id int64, err error) {
	if err := s.readers.QueryRowContext(ctx, "SELECT coalesce(max(id), 0) FROM incidents").Scan(&id); err != nil {
		return 0, fmt.Errorf("reading the last incident: %w", err)
	}
	return id, nil
}
