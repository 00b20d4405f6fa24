package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/model"
)

// version19 stores what was done about incidents by the detector and the notifier, and when mutes
// end.
const version19 = `
CREATE TABLE milestones (
	number   INTEGER PRIMARY KEY AUTOINCREMENT,
	incident INTEGER NOT NULL,
	at       INTEGER NOT NULL,
	kind     TEXT NOT NULL,
	receiver TEXT NOT NULL,
	reason   TEXT NOT NULL
) STRICT;
CREATE INDEX milestones_incident ON milestones (incident, number);
ALTER TABLE notes ADD COLUMN until INTEGER NOT NULL DEFAULT 0; -- end of a mute; 0: of another kind`

// noteJudgement adds a milestone for an event that opens or ends an incident. It must be called
// before the event's incident is stored.
func noteJudgement(tx *sql.Tx, step *detector.Step, e *model.Event) error {
	var until int64
	err := tx.QueryRow("SELECT until FROM incidents WHERE id = ?", e.Incident.ID).Scan(&until)
	known := err == nil
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	m := model.Milestone{Incident: e.Incident.ID, At: step.Judged}
	if m.At.IsZero() {
		m.At = step.Bin
	}
	var kinds []model.MilestoneKind
	switch {
	case !known:
		kinds = append(kinds, model.MilestoneJudged)
	case until != 0 && e.Incident.Open():
		kinds = append(kinds, model.MilestoneReopened)
	}
	if !e.Incident.Open() && (!known || until == 0) {
		kinds = append(kinds, model.MilestoneCleared)
	}
	for _, m.Kind = range kinds {
		if err := insertMilestone(tx, &m); err != nil {
			return err
		}
	}
	return nil
}

// addMilestone adds a milestone of an incident that is stored, and ignores others.
func addMilestone(tx *sql.Tx, m *model.Milestone) error {
	var known bool
	if err := tx.QueryRow("SELECT EXISTS (SELECT 1 FROM incidents WHERE id = ?)", m.Incident).Scan(&known); err != nil || !known {
		return err
	}
	return insertMilestone(tx, m)
}

// insertMilestone adds a milestone. If there are too many of its incident, the oldest after the
// first ones go.
func insertMilestone(tx *sql.Tx, m *model.Milestone) error {
	if _, err := tx.Exec("INSERT INTO milestones (incident, at, kind, receiver, reason) VALUES (?, ?, ?, ?, ?)",
		m.Incident, m.At.UnixMilli(), string(m.Kind), m.Receiver, m.Reason); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM milestones WHERE (SELECT count(*) FROM milestones WHERE incident = ?1) > ?2
		AND number = (SELECT number FROM milestones WHERE incident = ?1 ORDER BY number LIMIT 1 OFFSET ?3)`, m.Incident, model.MaxMilestones, model.FirstMilestones)
	return err
}

// Milestones implements detector.State.
func (s *State) Milestones(ctx context.Context, incident int64) ([]model.Milestone, error) {
	return sqlitedb.List(ctx, s.asked, "reading milestones", "SELECT at, kind, receiver, reason FROM milestones WHERE incident = ? ORDER BY number", []any{incident},
		func(rows *sql.Rows) (model.Milestone, error) {
			m := model.Milestone{Incident: incident}
			var ms int64
			err := rows.Scan(&ms, &m.Kind, &m.Receiver, &m.Reason)
			m.At = time.UnixMilli(ms)
			return m, err
		})
}

// milli returns a time in Unix milliseconds, and 0 for none.
func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
