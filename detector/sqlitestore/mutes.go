package sqlitestore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/model"
)

// version21 stores mutes by scope, and counts the notes that went for later ones.
const version21 = `
CREATE TABLE mutes (
	number   INTEGER PRIMARY KEY AUTOINCREMENT,
	at       INTEGER NOT NULL,
	scope    TEXT NOT NULL, -- JSON
	start    INTEGER NOT NULL,
	"end"    INTEGER NOT NULL,
	who      TEXT NOT NULL,
	known    INTEGER NOT NULL, -- as in notes
	reason   TEXT NOT NULL,
	ended    INTEGER NOT NULL DEFAULT 0, -- 1: somebody ended it before its time
	ended_by TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX mutes_end ON mutes ("end");
ALTER TABLE incidents ADD COLUMN acts_dropped INTEGER NOT NULL DEFAULT 0;
CREATE INDEX incidents_dropped ON incidents (id) WHERE acts_dropped > 0;`

// AddMute implements detector.State.
func (s *State) AddMute(ctx context.Context, m model.Mute) (model.Mute, error) {
	scope, err := json.Marshal(m.Scope)
	if err != nil {
		return m, fmt.Errorf("storing a mute: %w", err)
	}
	err = s.write(ctx, "storing a mute", func(tx *sql.Tx) error {
		var mutes int
		if err := tx.QueryRow(`SELECT count(*) FROM mutes WHERE "end" > ?`, m.At.UnixMilli()).Scan(&mutes); err != nil {
			return err
		}
		if mutes >= model.MaxMutes {
			return fmt.Errorf("%w: there are %d mutes already", model.ErrQuery, mutes)
		}
		return tx.QueryRow(`INSERT INTO mutes (at, scope, start, "end", who, known, reason) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING number`,
			m.At.UnixMilli(), string(scope), m.Start.UnixMilli(), m.End.UnixMilli(), m.Who, m.Known, m.Reason).Scan(&m.Number)
	})
	return m, err
}

// EndMute implements detector.State.
func (s *State) EndMute(ctx context.Context, number int64, at time.Time, who string) (m model.Mute, err error) {
	err = s.write(ctx, "ending a mute", func(tx *sql.Tx) error {
		// One that has not begun yet ends before it begins.
		rows, err := tx.Query(`UPDATE mutes SET "end" = ?2, ended = 1, ended_by = ?3 WHERE number = ?1 AND "end" > ?2 RETURNING `+muteColumns, number, at.UnixMilli(), who)
		if err != nil {
			return err
		}
		defer rows.Close()
		if !rows.Next() {
			return errors.Join(rows.Err(), fmt.Errorf("%w: no mute %d that is not over", model.ErrQuery, number))
		}
		if m, err = scanMute(rows); err != nil {
			return err
		}
		return rows.Err()
	})
	return m, err
}

// Mutes implements detector.State.
func (s *State) Mutes(ctx context.Context, since time.Time) ([]model.Mute, error) {
	return sqlitedb.List(ctx, s.asked, "reading mutes", "SELECT "+muteColumns+` FROM (SELECT * FROM mutes WHERE "end" > ? ORDER BY "end" DESC, number DESC LIMIT ?) ORDER BY number`,
		[]any{since.UnixMilli(), model.MaxMutesRead}, scanMute)
}

const muteColumns = `number, at, scope, start, "end", who, known, reason, ended, ended_by`

func scanMute(rows *sql.Rows) (m model.Mute, err error) {
	var at, start, end int64
	var scope string
	if err := rows.Scan(&m.Number, &at, &scope, &start, &end, &m.Who, &m.Known, &m.Reason, &m.Ended, &m.EndedBy); err != nil {
		return m, err
	}
	m.At, m.Start, m.End = time.UnixMilli(at), time.UnixMilli(start), time.UnixMilli(end)
	return m, json.Unmarshal([]byte(scope), &m.Scope)
}
